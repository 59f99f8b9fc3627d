import Readers

HDF5Child.runIfRequested(CommandLine.arguments)
