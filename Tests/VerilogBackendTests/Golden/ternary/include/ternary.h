/* Ports of the Verilog module ternary.
   Element 0 lies in a port's lowest bits. An element's integer r stands for r * 2^-fraction. */
#ifndef FPGAML_TERNARY_H
#define FPGAML_TERNARY_H

#ifndef FPGAML_ELEMENT
#define FPGAML_ELEMENT
typedef struct {
  int offset;    /* the lowest bit's place in the port */
  int width;     /* 0: always 0, takes no bits */
  int fraction;  /* bits after the binary point */
  int is_signed; /* two's complement */
} fpgaml_element;
#endif

#define TERNARY_LATENCY_CYCLES 1
#define TERNARY_INTERVAL_CYCLES 1

/* input 'x' of shape [3] */
#define TERNARY_X_BITS 20
#define TERNARY_X_ELEMENTS 3
static const fpgaml_element ternary_x[3] = {
  {0, 8, 4, 1},
  {8, 8, 4, 1},
  {16, 4, 2, 0},
};

/* output 'y' of shape [2] */
#define TERNARY_Y_BITS 20
#define TERNARY_Y_ELEMENTS 2
static const fpgaml_element ternary_y[2] = {
  {0, 10, 4, 1},
  {10, 10, 4, 1},
};

#endif
