// A three-operand adder in one LUT6_2 and one carry bit a result bit, with the ports of alkaid's `ternary_adder`, in
// whose place it is synthesised: yosys does not infer it from the behavioural one, as Vivado is documented to.
// out = bits DROP_LSBS and up of (+-in0 << PAD0) + (+-in1 << PAD1) + (+-in2 << PAD2); at most two are negated.
module ternary_adder #(
  parameter BW_INPUT0 = 32, parameter SIGNED0 = 0, parameter NEGATE0 = 0, parameter PAD0 = 0,
  parameter BW_INPUT1 = 32, parameter SIGNED1 = 0, parameter NEGATE1 = 0, parameter PAD1 = 0,
  parameter BW_INPUT2 = 32, parameter SIGNED2 = 0, parameter NEGATE2 = 0, parameter PAD2 = 0,
  parameter BW_OUT = 32, parameter DROP_LSBS = 0
) (
  input [BW_INPUT0-1:0] in0,
  input [BW_INPUT1-1:0] in1,
  input [BW_INPUT2-1:0] in2,
  output [BW_OUT-1:0] out
);
  localparam WIDTH = BW_OUT + DROP_LSBS;
  localparam NEGATED = NEGATE0 + NEGATE1 + NEGATE2;
  localparam LOW = PAD0 < PAD1 ? (PAD0 < PAD2 ? PAD0 : PAD2) : (PAD1 < PAD2 ? PAD1 : PAD2);
  localparam HIGH = PAD0 > PAD1 ? (PAD0 > PAD2 ? PAD0 : PAD2) : (PAD1 > PAD2 ? PAD1 : PAD2);
  localparam MIDDLE = PAD0 + PAD1 + PAD2 - LOW - HIGH;
  // Below the second lowest operand one alone has bits; they pass, unless it is negated.
  localparam LOW_IS_NEGATED =
    (PAD0 == LOW && NEGATE0 == 1) || (PAD1 == LOW && NEGATE1 == 1) || (PAD2 == LOW && NEGATE2 == 1);
  localparam FROM = LOW_IS_NEGATED ? LOW : MIDDLE;
  localparam START = FROM < WIDTH ? FROM : WIDTH;
  localparam BITS = WIDTH - START;
  localparam BLOCKS = (BITS + 3) / 4;

  wire [WIDTH-1:0] a, b, c;
  genvar i;
  generate
    for (i = 0; i < WIDTH; i = i + 1) begin : operands
      assign a[i] = i < PAD0 ? 1'b0 : i - PAD0 < BW_INPUT0 ? in0[i-PAD0] : SIGNED0 == 1 && in0[BW_INPUT0-1];
      assign b[i] = i < PAD1 ? 1'b0 : i - PAD1 < BW_INPUT1 ? in1[i-PAD1] : SIGNED1 == 1 && in1[BW_INPUT1-1];
      assign c[i] = i < PAD2 ? 1'b0 : i - PAD2 < BW_INPUT2 ? in2[i-PAD2] : SIGNED2 == 1 && in2[BW_INPUT2-1];
    end
  endgenerate

  // Negated operands are inverted inside the tables. O5: majority of three; O6: parity of three and the bit below.
  function [63:0] contents;
    input unused;
    integer row;
    reg [2:0] bits;
    begin
      for (row = 0; row < 64; row = row + 1) begin
        bits = row[2:0] ^ {NEGATE2 == 1, NEGATE1 == 1, NEGATE0 == 1};
        contents[row] = row < 32
          ? (bits[0] & bits[1]) | (bits[0] & bits[2]) | (bits[1] & bits[2]) : ^bits ^ row[3];
      end
    end
  endfunction

  wire [WIDTH-1:0] sum;
  generate
    if (NEGATED > 2) begin : refused
      three_negated_operands_have_no_chain missing ();
    end
    for (i = 0; i < START; i = i + 1) begin : passed
      assign sum[i] = a[i] | b[i] | c[i];
    end
    if (BITS > 0) begin : added
      wire [4*BLOCKS:0] below;
      wire [4*BLOCKS-1:0] parity, total, carry;
      assign below[0] = NEGATED == 2;
      for (i = 0; i < 4 * BLOCKS; i = i + 1) begin : tables
        if (i < BITS) begin : used
          LUT6_2 #(.INIT(contents(1'b0))) cell6 (
            .I0(a[START+i]), .I1(b[START+i]), .I2(c[START+i]), .I3(below[i]), .I4(1'b0), .I5(1'b1),
            .O5(below[i+1]), .O6(parity[i]));
          assign sum[START+i] = total[i];
        end else begin : padding
          assign below[i+1] = 1'b0;
          assign parity[i] = 1'b0;
        end
      end
      for (i = 0; i < BLOCKS; i = i + 1) begin : chain
        wire before;
        if (i > 0) begin : follows
          assign before = carry[4*i-1];
        end else begin : starts
          assign before = 1'b0;
        end
        CARRY4 cell4 (
          .CI(before), .CYINIT(i == 0 && NEGATED > 0), .DI(below[4*i+:4]), .S(parity[4*i+:4]),
          .O(total[4*i+:4]), .CO(carry[4*i+:4]));
      end
    end
  endgenerate
  assign out = sum[WIDTH-1:DROP_LSBS];
endmodule
