/// The version of fpgaml, as reports and `--version` print it.
public enum Version {
  public static let current = "0.1.0"
}
