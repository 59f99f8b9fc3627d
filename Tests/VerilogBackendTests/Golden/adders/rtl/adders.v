// adders: outputs 1 cycle after inputs, a new sample every cycle.
// input x: 'x' of shape [4]
// output y: 'y' of shape [8]
`default_nettype none
module adders(
  input wire clk,
  input wire rst,
  input wire in_valid,
  input wire [23:0] x,
  output wire out_valid,
  output wire [82:0] y
);
  wire [7:0] x_e0_s0 = x[7:0];
  wire [7:0] x_e1_s0 = x[15:8];
  wire [3:0] x_e2_s0 = x[19:16];
  wire [3:0] x_e3_s0 = x[23:20];

  // fc1
  wire [8:0] fc1_e0_s0 = {x_e0_s0[7], x_e0_s0} + {x_e1_s0[7], x_e1_s0};
  wire [10:0] fc1_e1_s0 = {{{3{x_e0_s0[7]}}, x_e0_s0[7:2]} - {x_e1_s0[7], x_e1_s0}, x_e0_s0[1:0]};
  wire [8:0] fc1_e2_s0 = {x_e3_s0, 1'd0, x_e2_s0};
  wire [9:0] fc1_e3_s0 = {-{x_e0_s0[7], x_e0_s0}, 1'd0};
  wire [11:0] fc1_e4_s0 = {{x_e0_s0[7], x_e0_s0} - 9'd1, 3'd3};
  wire [9:0] fc1_e5_s0;
  assign fc1_e5_s0[0] = x_e0_s0[0];
  adders_ternary_adder #(.WIDTH(9), .NEGATED(1)) fc1_e5_s0_sum (
    .a({{2{x_e0_s0[7]}}, x_e0_s0[7:1]}), .b({x_e1_s0[7], x_e1_s0}), .c({3'd0, x_e2_s0, 2'd0}), .sum(fc1_e5_s0[9:1]));
  wire [9:0] fc1_e6_s0 = {{2{x_e0_s0[7]}}, x_e0_s0} + {{2{x_e1_s0[7]}}, x_e1_s0} + {6'd0, x_e2_s0} - {6'd0, x_e3_s0};
  wire [11:0] fc1_e7_s0 = $signed({{4{x_e0_s0[7]}}, x_e0_s0}) * $signed({8'd0, x_e2_s0});
  reg [8:0] fc1_e0_s1;
  reg [10:0] fc1_e1_s1;
  reg [8:0] fc1_e2_s1;
  reg [9:0] fc1_e3_s1;
  reg [11:0] fc1_e4_s1;
  reg [9:0] fc1_e5_s1;
  reg [9:0] fc1_e6_s1;
  reg [11:0] fc1_e7_s1;

  // stage 1
  always @(posedge clk) begin
    fc1_e0_s1 <= fc1_e0_s0;
    fc1_e1_s1 <= fc1_e1_s0;
    fc1_e2_s1 <= fc1_e2_s0;
    fc1_e3_s1 <= fc1_e3_s0;
    fc1_e4_s1 <= fc1_e4_s0;
    fc1_e5_s1 <= fc1_e5_s0;
    fc1_e6_s1 <= fc1_e6_s0;
    fc1_e7_s1 <= fc1_e7_s0;
  end

  (* shreg_extract = "no" *) reg valid;
  always @(posedge clk) begin
    if (rst) valid <= 1'd0;
    else valid <= in_valid;
  end
  assign out_valid = valid;

  assign y = {
    fc1_e7_s1,
    fc1_e6_s1,
    fc1_e5_s1,
    fc1_e4_s1,
    fc1_e3_s1,
    fc1_e2_s1,
    fc1_e1_s1,
    fc1_e0_s1
  };
endmodule
`default_nettype wire
