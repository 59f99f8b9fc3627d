/* Ports of the Verilog module comparisons.
   Element 0 lies in a port's lowest bits. An element's integer r stands for r * 2^-fraction. */
#ifndef FPGAML_COMPARISONS_H
#define FPGAML_COMPARISONS_H

#ifndef FPGAML_ELEMENT
#define FPGAML_ELEMENT
typedef struct {
  int offset;    /* the lowest bit's place in the port */
  int width;     /* 0: always 0, takes no bits */
  int fraction;  /* bits after the binary point */
  int is_signed; /* two's complement */
} fpgaml_element;
#endif

#define COMPARISONS_LATENCY_CYCLES 0
#define COMPARISONS_INTERVAL_CYCLES 1

/* input 'x' of shape [3] */
#define COMPARISONS_X_BITS 20
#define COMPARISONS_X_ELEMENTS 3
static const fpgaml_element comparisons_x[3] = {
  {0, 8, 4, 1},
  {8, 8, 4, 1},
  {16, 4, 2, 0},
};

/* output 'y' of shape [11] */
#define COMPARISONS_Y_BITS 11
#define COMPARISONS_Y_ELEMENTS 11
static const fpgaml_element comparisons_y[11] = {
  {0, 1, 0, 0},
  {1, 1, 0, 0},
  {2, 1, 0, 0},
  {3, 1, 0, 0},
  {4, 1, 0, 0},
  {5, 1, 0, 0},
  {6, 1, 0, 0},
  {7, 1, 0, 0},
  {8, 1, 0, 0},
  {9, 1, 0, 0},
  {10, 1, 0, 0},
};

#endif
