#ifndef FPGAML_CHDF5_SHIM_H
#define FPGAML_CHDF5_SHIM_H
#include <hdf5.h>
#endif
