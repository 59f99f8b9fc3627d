// 8 boundary: outputs 2 cycles after inputs, a new sample every cycle.
// input in_put: 'in put' of shape [2 x 2]
// input none: 'none' of shape [1], omitted: it has no bits
// input wire_: 'wire' of shape [1]
// input clk_: 'clk' of shape [1]
// output in_put_: 'in put' of shape [3]
// output module_: 'module' of shape [1]
// output zero: 'zero' of shape [1], omitted: it has no bits
`default_nettype none
module p8_boundary(
  input wire clk,
  input wire ce,
  input wire [19:0] in_put,
  input wire [3:0] wire_,
  input wire [3:0] clk_,
  output wire [18:0] in_put_,
  output wire [2:0] module_
);
  wire [7:0] in_put_e0_s0 = in_put[7:0];
  wire [3:0] wire__e0_s0 = wire_;
  wire [3:0] clk__e0_s0 = clk_;

  // begin
  wire [4:0] begin_e0_s0 = {1'd0, wire__e0_s0} + {1'd0, clk__e0_s0};
  wire [2:0] begin_e1_s0 = begin_e0_s0[4:2];
  reg [7:0] in_put_e0_s1;
  reg [7:0] in_put_e0_s2;
  reg [2:0] begin_e1_s1;
  reg [2:0] begin_e1_s2;

  // stage 1
  always @(posedge clk) begin
    if (ce) begin
      in_put_e0_s1 <= in_put_e0_s0;
      begin_e1_s1 <= begin_e1_s0;
    end
  end

  // stage 2
  always @(posedge clk) begin
    if (ce) begin
      in_put_e0_s2 <= in_put_e0_s1;
      begin_e1_s2 <= begin_e1_s1;
    end
  end

  assign in_put_ = {
    8'd253,
    {{3{in_put_e0_s2[7]}}, in_put_e0_s2}
  };

  assign module_ = begin_e1_s2;

  // bits that nothing reads
  wire [11:0] unused_in_put = {in_put[19:16], in_put[15:8]};
  wire [1:0] unused_begin_e0_s0 = begin_e0_s0[1:0];
endmodule
`default_nettype wire
