// a + b + c, a + b - c or a - b - c, modulo 2^WIDTH, for NEGATED = 0, 1, 2.
`default_nettype none
module ternary_ternary_adder #(
  parameter WIDTH = 1,
  parameter NEGATED = 0
) (
  input wire [WIDTH-1:0] a,
  input wire [WIDTH-1:0] b,
  input wire [WIDTH-1:0] c,
  output wire [WIDTH-1:0] sum
);
  localparam BLOCKS = (WIDTH + 3) / 4;
  // O6 = a ^ b ^ c ^ below, O5 = majority(a, b, c), with c, or b and c, inverted.
  localparam [63:0] INIT =
    NEGATED == 0 ? 64'h69966996E8E8E8E8 : NEGATED == 1 ? 64'h966996698E8E8E8E : 64'h699669962B2B2B2B;
  wire [4*BLOCKS-1:0] parity;
  wire [4*BLOCKS:0] below /* verilator split_var */;
  wire [4*BLOCKS-1:0] total;
  wire [4*BLOCKS-1:0] carry /* verilator split_var */;
  assign below[0] = NEGATED == 2;
  genvar i;
  generate
    for (i = 0; i < 4 * BLOCKS; i = i + 1) begin : bits
      if (i < WIDTH) begin : live
        LUT6_2 #(.INIT(INIT)) lut (
          .I0(a[i]), .I1(b[i]), .I2(c[i]), .I3(below[i]), .I4(1'b0), .I5(1'b1), .O5(below[i+1]), .O6(parity[i]));
      end else begin : padding
        assign below[i+1] = 1'b0;
        assign parity[i] = 1'b0;
      end
    end
    for (i = 0; i < BLOCKS; i = i + 1) begin : chain
      if (i == 0) begin : first
        CARRY4 cell4 (
          .CI(1'b0), .CYINIT(NEGATED != 0), .DI(below[3:0]), .S(parity[3:0]), .O(total[3:0]), .CO(carry[3:0]));
      end else begin : next
        CARRY4 cell4 (
          .CI(carry[4*i-1]), .CYINIT(1'b0), .DI(below[4*i+3:4*i]), .S(parity[4*i+3:4*i]),
          .O(total[4*i+3:4*i]), .CO(carry[4*i+3:4*i]));
      end
    end
  endgenerate
  assign sum = total[WIDTH-1:0];
  wire unused_bits = &{total, carry, below};
endmodule
`default_nettype wire
