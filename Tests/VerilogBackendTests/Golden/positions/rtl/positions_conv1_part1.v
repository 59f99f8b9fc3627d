// A part of 'conv1', 3 times in positions.
`default_nettype none
module positions_conv1_part1(
  input wire [7:0] x0,
  input wire [7:0] x1,
  output wire [11:0] y0
);

  // conv1
  wire [8:0] conv1_e0_s0 = {x0[7], x0} - {x1[7], x1};
  wire [11:0] conv1_e1_s0 = {{{4{x0[7]}}, x0[7:2]} + {conv1_e0_s0[8], conv1_e0_s0}, x0[1:0]};
  wire conv1_e2_s0 = conv1_e1_s0[11];
  wire [11:0] conv1_e3_s0 = conv1_e2_s0 ? 12'd0 : conv1_e1_s0;
  wire [11:0] conv1_e4_s0 = conv1_e3_s0 - {{3{conv1_e0_s0[8]}}, conv1_e0_s0};

  assign y0 = conv1_e4_s0;
endmodule
`default_nettype wire
