/// The C++ headers that generated HLS code includes, as they lie in `templates/hls/`.
public enum HLSTemplates {
  /// `fpgaml_w.h`: integers of a stated width.
  public static var integers: String { String(decoding: PackageResources.fpgaml_w_h, as: UTF8.self) }
}
