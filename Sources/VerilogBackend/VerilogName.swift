/// Names that Verilog, the tools that read it, and C accept.
enum VerilogName {
  /// Characters outside [A-Za-z0-9_] become `_`; a leading digit gets `p` before it; keywords get a trailing `_`.
  static func sanitized(_ name: String) -> String {
    let result = prefix(name)
    return keywords.contains(result) ? result + "_" : result
  }

  /// A name that more characters will follow, so that it may be a keyword.
  static func prefix(_ name: String) -> String {
    var result = String(String.UnicodeScalarView(name.unicodeScalars.map { isWord($0) ? $0 : "_" }))
    if result.isEmpty { result = "_" }
    if let first = result.unicodeScalars.first, ("0"..."9").contains(first) { result = "p" + result }
    return result
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
      || scalar == "_"
  }

  /// The reserved words of Verilog-2005 (IEEE 1364, annex B), those that SystemVerilog adds (IEEE 1800-2017,
  /// annex B; Verilator and Vivado read `.v` files by it too), and those of C++, in which simulators translate.
  static let keywords = Set(
    """
    always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam
    design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable
    endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout
    input instance integer join large liblist library localparam macromodule medium module nand negedge nmos nor
    noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup
    pulsestyle_onevent pulsestyle_ondetect rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
    scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0
    tranif1 tri tri0 tri1 triand trior trireg unsigned use vectored wait wand weak0 weak1 while wire wor xnor xor

    accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle
    checker class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker
    endclass endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect
    export extends extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies
    import inside int interconnect interface intersect join_any join_none let local logic longint matches modport
    nettype new nexttime null package packed priority program property protected pure rand randc randcase randsequence
    ref reject_on restrict return s_always s_eventually s_nexttime s_until s_until_with sequence shortint shortreal
    soft solve static string strong struct super sync_accept_on sync_reject_on tagged this throughout timeprecision
    timeunit type typedef union unique unique0 until until_with untyped uwire var virtual void wait_order weak
    wildcard with within

    abort alignas alignof and_eq asm auto bitand bitor bool catch char char16_t char32_t compl concept const_cast
    constexpr decltype delete double dynamic_cast explicit false float friend goto inline long mutable namespace
    noexcept not_eq nullptr operator or_eq private public register reinterpret_cast requires short sizeof static_assert
    static_cast switch template thread_local throw true try typeid typename using volatile wchar_t xor_eq
    """.split(whereSeparator: \.isWhitespace).map(String.init))
}

/// The names of one module, none of which is given twice.
struct NameScope {
  private var used: Set<String>

  init(reserved: [String]) { used = Set(reserved) }

  /// The name, with as many `_` after it as make it new.
  mutating func unique(_ name: String) -> String {
    var name = name
    while !used.insert(name).inserted { name += "_" }
    return name
  }
}
