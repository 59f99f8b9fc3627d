// comparisons: outputs 0 cycles after inputs, a new sample every cycle.
// input x: 'x' of shape [3]
// output y: 'y' of shape [11]
`default_nettype none
module comparisons(
  input wire clk,
  input wire rst,
  input wire in_valid,
  input wire [19:0] x,
  output wire out_valid,
  output wire [10:0] y
);
  wire [7:0] x_e0_s0 = x[7:0];
  wire [7:0] x_e1_s0 = x[15:8];
  wire [3:0] x_e2_s0 = x[19:16];

  // tree0
  wire tree0_e0_s0 = x_e0_s0[7];
  wire tree0_e1_s0 = x_e0_s0[7] | (~x_e0_s0[6] & ~&x_e0_s0[5:4]);
  wire tree0_e2_s0 = x_e0_s0[7] & (~|x_e0_s0[6:5] & ~&x_e0_s0[4:2]);
  wire tree0_e3_s0 = x_e0_s0[7] | (~&x_e0_s0[6:5] | (~|x_e0_s0[4:3] & ~x_e0_s0[2]));
  wire tree0_e4_s0 = ~x_e2_s0[3];
  wire tree0_e5_s0 = ~x_e2_s0[3] & ~&x_e2_s0[2:1];
  wire tree0_e6_s0 = x_e0_s0 == 8'd249;
  wire tree0_e7_s0 = &x_e2_s0[3:2];
  wire tree0_e8_s0 = {~x_e0_s0[7], x_e0_s0[6:0]} < {~x_e1_s0[7], x_e1_s0[6:0]};
  wire tree0_e9_s0 = {~x_e0_s0[7], x_e0_s0[6:0]} <= {4'd8, x_e2_s0};
  wire tree0_e10_s0 = {4'd0, x_e2_s0} != x_e0_s0;

  assign out_valid = in_valid & ~rst;

  assign y = {
    tree0_e10_s0,
    tree0_e9_s0,
    tree0_e8_s0,
    tree0_e7_s0,
    tree0_e6_s0,
    tree0_e5_s0,
    tree0_e4_s0,
    tree0_e3_s0,
    tree0_e2_s0,
    tree0_e1_s0,
    tree0_e0_s0
  };

  // bits that nothing reads
  wire unused_clk = clk;
endmodule
`default_nettype wire
