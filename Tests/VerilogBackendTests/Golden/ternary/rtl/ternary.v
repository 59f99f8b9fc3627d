// ternary: outputs 1 cycle after inputs, a new sample every cycle.
// input x: 'x' of shape [3]
// output y: 'y' of shape [2]
`default_nettype none
module ternary(
  input wire clk,
  input wire rst,
  input wire in_valid,
  input wire [19:0] x,
  output wire out_valid,
  output wire [19:0] y
);
  wire [7:0] x_e0_s0 = x[7:0];
  wire [7:0] x_e1_s0 = x[15:8];
  wire [3:0] x_e2_s0 = x[19:16];

  // fc1
  wire [9:0] fc1_e0_s0;
  ternary_ternary_adder #(.WIDTH(10), .NEGATED(1)) fc1_e0_s0_sum (
    .a({{2{x_e0_s0[7]}}, x_e0_s0}), .b({{2{x_e1_s0[7]}}, x_e1_s0}), .c({5'd0, x_e2_s0, 1'd0}), .sum(fc1_e0_s0));
  wire [9:0] fc1_e1_s0;
  ternary_ternary_adder #(.WIDTH(10), .NEGATED(2)) fc1_e1_s0_sum (
    .a({6'd0, x_e2_s0}), .b({{2{x_e0_s0[7]}}, x_e0_s0}), .c({{2{x_e1_s0[7]}}, x_e1_s0}), .sum(fc1_e1_s0));
  reg [9:0] fc1_e0_s1;
  reg [9:0] fc1_e1_s1;

  // stage 1
  always @(posedge clk) begin
    fc1_e0_s1 <= fc1_e0_s0;
    fc1_e1_s1 <= fc1_e1_s0;
  end

  (* shreg_extract = "no" *) reg valid;
  always @(posedge clk) begin
    if (rst) valid <= 1'd0;
    else valid <= in_valid;
  end
  assign out_valid = valid;

  assign y = {
    fc1_e1_s1,
    fc1_e0_s1
  };
endmodule
`default_nettype wire
