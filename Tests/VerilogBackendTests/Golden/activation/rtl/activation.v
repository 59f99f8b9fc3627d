// activation: outputs 3 cycles after inputs, a new sample every cycle.
// input x: 'x' of shape [2]
// output y: 'y' of shape [2]
`default_nettype none
module activation(
  input wire clk,
  input wire rst,
  input wire in_valid,
  input wire [15:0] x,
  output wire out_valid,
  output wire [11:0] y
);
  wire [7:0] x_e0_s0 = x[7:0];
  wire [7:0] x_e1_s0 = x[15:8];

  // relu 1
  wire [8:0] relu_1_e0_s0 = {{x_e0_s0[7], x_e0_s0[7:2]} + 7'd1, x_e0_s0[1:0]};
  wire [5:0] relu_1_e1_s0 = relu_1_e0_s0[8:3];
  wire relu_1_e2_s0 = relu_1_e1_s0[5];
  wire [4:0] relu_1_e3_s0 = relu_1_e2_s0 ? 5'd0 : relu_1_e1_s0[4:0];
  wire relu_1_e4_s0 = ~x_e0_s0[7] & (x_e0_s0[6] | (&x_e0_s0[5:2] & (x_e0_s0[1] | x_e0_s0[0])));
  wire [5:0] relu_1_e5_s0 = relu_1_e4_s0 ? 6'd60 : {1'd0, relu_1_e3_s0};
  wire [8:0] relu_1_e6_s0 = {{x_e1_s0[7], x_e1_s0[7:2]} + 7'd1, x_e1_s0[1:0]};
  wire [5:0] relu_1_e7_s0 = relu_1_e6_s0[8:3];
  wire relu_1_e8_s0 = relu_1_e7_s0[5];
  wire [4:0] relu_1_e9_s0 = relu_1_e8_s0 ? 5'd0 : relu_1_e7_s0[4:0];
  wire relu_1_e10_s0 = ~x_e1_s0[7] & (x_e1_s0[6] | (&x_e1_s0[5:2] & (x_e1_s0[1] | x_e1_s0[0])));
  wire [5:0] relu_1_e11_s0 = relu_1_e10_s0 ? 6'd60 : {1'd0, relu_1_e9_s0};
  reg [5:0] relu_1_e5_s1;
  reg [5:0] relu_1_e5_s2;
  reg [5:0] relu_1_e5_s3;
  reg [5:0] relu_1_e11_s1;
  reg [5:0] relu_1_e11_s2;
  reg [5:0] relu_1_e11_s3;

  // stage 1
  always @(posedge clk) begin
    relu_1_e5_s1 <= relu_1_e5_s0;
    relu_1_e11_s1 <= relu_1_e11_s0;
  end

  // stage 2
  always @(posedge clk) begin
    relu_1_e5_s2 <= relu_1_e5_s1;
    relu_1_e11_s2 <= relu_1_e11_s1;
  end

  // stage 3
  always @(posedge clk) begin
    relu_1_e5_s3 <= relu_1_e5_s2;
    relu_1_e11_s3 <= relu_1_e11_s2;
  end

  (* shreg_extract = "no" *) reg [2:0] valid;
  always @(posedge clk) begin
    if (rst) valid <= 3'd0;
    else valid <= {valid[1:0], in_valid};
  end
  assign out_valid = valid[2];

  assign y = {
    relu_1_e11_s3,
    relu_1_e5_s3
  };

  // bits that nothing reads
  wire [2:0] unused_relu_1_e0_s0 = relu_1_e0_s0[2:0];
  wire [2:0] unused_relu_1_e6_s0 = relu_1_e6_s0[2:0];
endmodule
`default_nettype wire
