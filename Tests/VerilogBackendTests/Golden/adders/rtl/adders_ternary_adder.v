// a + b + c, a + b - c or a - b - c, modulo 2^WIDTH, for NEGATED = 0, 1, 2.
`default_nettype none
module adders_ternary_adder #(
  parameter WIDTH = 1,
  parameter NEGATED = 0
) (
  input wire [WIDTH-1:0] a,
  input wire [WIDTH-1:0] b,
  input wire [WIDTH-1:0] c,
  output wire [WIDTH-1:0] sum
);
  generate
    if (NEGATED == 0) begin : add
      assign sum = a + b + c;
    end else if (NEGATED == 1) begin : subtract
      assign sum = a + b - c;
    end else begin : subtract_two
      assign sum = a - b - c;
    end
  endgenerate
endmodule
`default_nettype wire
