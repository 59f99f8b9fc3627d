// positions: outputs 1 cycle after inputs, a new sample every cycle.
// input x: 'x' of shape [5]
// output y: 'y' of shape [4]
`default_nettype none
module positions(
  input wire clk,
  input wire rst,
  input wire ce,
  input wire in_valid,
  input wire [35:0] x,
  output wire out_valid,
  output wire [46:0] y
);
  wire [7:0] x_e0_s0 = x[7:0];
  wire [7:0] x_e1_s0 = x[15:8];
  wire [7:0] x_e2_s0 = x[23:16];
  wire [7:0] x_e3_s0 = x[31:24];
  wire [3:0] x_e4_s0 = x[35:32];

  // conv1
  wire [11:0] conv1_e0_s0;
  positions_conv1_part1 conv1_i0 (
    .x0(x_e0_s0), .x1(x_e1_s0), .y0(conv1_e0_s0));
  wire [11:0] conv1_e1_s0;
  positions_conv1_part1 conv1_i1 (
    .x0(x_e1_s0), .x1(x_e2_s0), .y0(conv1_e1_s0));
  wire [11:0] conv1_e2_s0;
  positions_conv1_part1 conv1_i2 (
    .x0(x_e2_s0), .x1(x_e3_s0), .y0(conv1_e2_s0));
  wire [8:0] conv1_e3_s0 = {x_e3_s0[7], x_e3_s0} - {5'd0, x_e4_s0};
  wire [10:0] conv1_e4_s0 = {{{3{x_e3_s0[7]}}, x_e3_s0[7:2]} + conv1_e3_s0, x_e3_s0[1:0]};
  wire conv1_e5_s0 = conv1_e4_s0[10];
  wire [10:0] conv1_e6_s0 = conv1_e5_s0 ? 11'd0 : conv1_e4_s0;
  wire [10:0] conv1_e7_s0 = conv1_e6_s0 - {{2{conv1_e3_s0[8]}}, conv1_e3_s0};
  reg [11:0] conv1_e0_s1;
  reg [11:0] conv1_e1_s1;
  reg [11:0] conv1_e2_s1;
  reg [10:0] conv1_e7_s1;

  // stage 1
  always @(posedge clk) begin
    if (ce) begin
      conv1_e0_s1 <= conv1_e0_s0;
      conv1_e1_s1 <= conv1_e1_s0;
      conv1_e2_s1 <= conv1_e2_s0;
      conv1_e7_s1 <= conv1_e7_s0;
    end
  end

  (* shreg_extract = "no" *) reg valid;
  always @(posedge clk) begin
    if (rst) valid <= 1'd0;
    else if (ce) valid <= in_valid;
  end
  assign out_valid = valid;

  assign y = {
    conv1_e7_s1,
    conv1_e2_s1,
    conv1_e1_s1,
    conv1_e0_s1
  };
endmodule
`default_nettype wire
