// Behavioural models of the cells that --primitives instantiates, for simulation only.
`default_nettype none

// Two look-up tables on shared inputs: O5 on the lower half of INIT, O6 on all of it.
module LUT6_2 #(
  parameter [63:0] INIT = 64'd0
) (
  input wire I0,
  input wire I1,
  input wire I2,
  input wire I3,
  input wire I4,
  input wire I5,
  output wire O5,
  output wire O6
);
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

// Four bits of a carry chain: where S is 1 the carry goes on, elsewhere DI is the carry.
module CARRY4 (
  input wire CI,
  input wire CYINIT,
  input wire [3:0] DI,
  input wire [3:0] S,
  output wire [3:0] O,
  output wire [3:0] CO
);
  wire start = CI | CYINIT;
  wire carry0 = S[0] ? start : DI[0];
  wire carry1 = S[1] ? carry0 : DI[1];
  wire carry2 = S[2] ? carry1 : DI[2];
  wire carry3 = S[3] ? carry2 : DI[3];
  assign CO = {carry3, carry2, carry1, carry0};
  assign O = S ^ {carry2, carry1, carry0, start};
endmodule
`default_nettype wire
