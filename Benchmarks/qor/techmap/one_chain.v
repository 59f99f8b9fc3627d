// Each adder of the design becomes one carry chain: yosys otherwise merges adders in a row into carry-save trees of
// two tables a bit, which hides the adder graph that a compiler chose.
(* techmap_celltype = "$add $sub" *)
module one_chain (A, B, Y);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;
  parameter _TECHMAP_CELLTYPE_ = "";
  localparam SUBTRACTS = _TECHMAP_CELLTYPE_ == "$sub";
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire [Y_WIDTH-1:0] parity, carry;
  \$alu #(
    .A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)
  ) _TECHMAP_REPLACE_ (
    .A(A), .B(B), .CI(SUBTRACTS ? 1'b1 : 1'b0), .BI(SUBTRACTS ? 1'b1 : 1'b0), .X(parity), .Y(Y), .CO(carry)
  );
endmodule

(* techmap_celltype = "$neg" *)
module one_chain_negation (A, Y);
  parameter A_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  output [Y_WIDTH-1:0] Y;
  \$sub #(
    .A_SIGNED(A_SIGNED), .B_SIGNED(A_SIGNED), .A_WIDTH(1), .B_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH)
  ) _TECHMAP_REPLACE_ (.A(1'b0), .B(A), .Y(Y));
endmodule
