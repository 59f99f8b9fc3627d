/* Ports of the Verilog module p8_boundary.
   Element 0 lies in a port's lowest bits. An element's integer r stands for r * 2^-fraction. */
#ifndef FPGAML_P8_BOUNDARY_H
#define FPGAML_P8_BOUNDARY_H

#ifndef FPGAML_ELEMENT
#define FPGAML_ELEMENT
typedef struct {
  int offset;    /* the lowest bit's place in the port */
  int width;     /* 0: always 0, takes no bits */
  int fraction;  /* bits after the binary point */
  int is_signed; /* two's complement */
} fpgaml_element;
#endif

#define P8_BOUNDARY_LATENCY_CYCLES 2
#define P8_BOUNDARY_INTERVAL_CYCLES 1

/* input 'in put' of shape [2 x 2] */
#define P8_BOUNDARY_IN_PUT_BITS 20
#define P8_BOUNDARY_IN_PUT_ELEMENTS 4
static const fpgaml_element p8_boundary_in_put[4] = {
  {0, 8, 4, 1},
  {8, 0, 0, 0},
  {8, 8, 4, 1},
  {16, 4, 2, 0},
};

/* input 'none' of shape [1]; it has no bits and is omitted from the module */
#define P8_BOUNDARY_NONE_BITS 0
#define P8_BOUNDARY_NONE_ELEMENTS 1
static const fpgaml_element p8_boundary_none[1] = {
  {0, 0, 0, 0},
};

/* input 'wire' of shape [1] */
#define P8_BOUNDARY_WIRE__BITS 4
#define P8_BOUNDARY_WIRE__ELEMENTS 1
static const fpgaml_element p8_boundary_wire_[1] = {
  {0, 4, 2, 0},
};

/* input 'clk' of shape [1] */
#define P8_BOUNDARY_CLK__BITS 4
#define P8_BOUNDARY_CLK__ELEMENTS 1
static const fpgaml_element p8_boundary_clk_[1] = {
  {0, 4, 2, 0},
};

/* output 'in put' of shape [3] */
#define P8_BOUNDARY_IN_PUT__BITS 19
#define P8_BOUNDARY_IN_PUT__ELEMENTS 3
static const fpgaml_element p8_boundary_in_put_[3] = {
  {0, 11, 4, 1},
  {11, 0, 0, 0},
  {11, 8, 4, 1},
};

/* output 'module' of shape [1] */
#define P8_BOUNDARY_MODULE__BITS 3
#define P8_BOUNDARY_MODULE__ELEMENTS 1
static const fpgaml_element p8_boundary_module_[1] = {
  {0, 3, 0, 0},
};

/* output 'zero' of shape [1]; it has no bits and is omitted from the module */
#define P8_BOUNDARY_ZERO_BITS 0
#define P8_BOUNDARY_ZERO_ELEMENTS 1
static const fpgaml_element p8_boundary_zero[1] = {
  {0, 0, 0, 0},
};

#endif
