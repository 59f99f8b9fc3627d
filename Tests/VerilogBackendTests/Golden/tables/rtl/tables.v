// tables: outputs 1 cycle after inputs, a new sample every cycle.
// input x: 'x' of shape [3]
// output y: 'y' of shape [5]
`default_nettype none
module tables(
  input wire clk,
  input wire rst,
  input wire in_valid,
  input wire [10:0] x,
  output wire out_valid,
  output wire [22:0] y
);
  // sigmoid: -4 ... 3
  function [3:0] sigmoid_table;
    input [2:0] index;
    /* verilator no_inline_task */
    case (index)
      3'd4, 3'd5: sigmoid_table = 4'd0;
      3'd6: sigmoid_table = 4'd1;
      3'd7: sigmoid_table = 4'd2;
      3'd0: sigmoid_table = 4'd4;
      3'd1: sigmoid_table = 4'd6;
      3'd2: sigmoid_table = 4'd7;
      3'd3: sigmoid_table = 4'd8;
    endcase
  endfunction

  // sigmoid: 0 ... 15
  function [6:0] sigmoid_table_;
    input [3:0] index;
    /* verilator no_inline_task */
    case (index)
      4'd0, 4'd1: sigmoid_table_ = 7'd125;
      4'd2: sigmoid_table_ = 7'd126;
      4'd3: sigmoid_table_ = 7'd127;
      4'd4: sigmoid_table_ = 7'd1;
      4'd5: sigmoid_table_ = 7'd3;
      4'd6: sigmoid_table_ = 7'd6;
      4'd7: sigmoid_table_ = 7'd9;
      4'd8: sigmoid_table_ = 7'd13;
      4'd9: sigmoid_table_ = 7'd17;
      4'd10: sigmoid_table_ = 7'd22;
      4'd11: sigmoid_table_ = 7'd27;
      4'd12: sigmoid_table_ = 7'd33;
      4'd13: sigmoid_table_ = 7'd39;
      4'd14: sigmoid_table_ = 7'd46;
      4'd15: sigmoid_table_ = 7'd53;
    endcase
  endfunction

  wire [2:0] x_e0_s0 = x[2:0];
  wire [3:0] x_e1_s0 = x[6:3];
  wire [3:0] x_e2_s0 = x[10:7];

  // sigmoid
  wire [3:0] sigmoid_e0_s0 = x_e1_s0 | x_e2_s0;
  wire [3:0] sigmoid_e1_s0 = sigmoid_table(x_e0_s0);
  wire [6:0] sigmoid_e2_s0 = sigmoid_table_(x_e1_s0);
  wire [6:0] sigmoid_e3_s0 = sigmoid_table_(sigmoid_e0_s0);
  wire [3:0] sigmoid_e4_s0 = x_e1_s0 ^ x_e2_s0;
  wire sigmoid_e5_s0 = &x_e2_s0;
  reg [3:0] sigmoid_e1_s1;
  reg [6:0] sigmoid_e2_s1;
  reg [6:0] sigmoid_e3_s1;
  reg [3:0] sigmoid_e4_s1;
  reg sigmoid_e5_s1;

  // stage 1
  always @(posedge clk) begin
    sigmoid_e1_s1 <= sigmoid_e1_s0;
    sigmoid_e2_s1 <= sigmoid_e2_s0;
    sigmoid_e3_s1 <= sigmoid_e3_s0;
    sigmoid_e4_s1 <= sigmoid_e4_s0;
    sigmoid_e5_s1 <= sigmoid_e5_s0;
  end

  (* shreg_extract = "no" *) reg valid;
  always @(posedge clk) begin
    if (rst) valid <= 1'd0;
    else valid <= in_valid;
  end
  assign out_valid = valid;

  assign y = {
    sigmoid_e5_s1,
    sigmoid_e4_s1,
    sigmoid_e3_s1,
    sigmoid_e2_s1,
    sigmoid_e1_s1
  };
endmodule
`default_nettype wire
