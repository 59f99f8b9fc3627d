/* Ports of the Verilog module adders.
   Element 0 lies in a port's lowest bits. An element's integer r stands for r * 2^-fraction. */
#ifndef FPGAML_ADDERS_H
#define FPGAML_ADDERS_H

#ifndef FPGAML_ELEMENT
#define FPGAML_ELEMENT
typedef struct {
  int offset;    /* the lowest bit's place in the port */
  int width;     /* 0: always 0, takes no bits */
  int fraction;  /* bits after the binary point */
  int is_signed; /* two's complement */
} fpgaml_element;
#endif

#define ADDERS_LATENCY_CYCLES 1
#define ADDERS_INTERVAL_CYCLES 1

/* input 'x' of shape [4] */
#define ADDERS_X_BITS 24
#define ADDERS_X_ELEMENTS 4
static const fpgaml_element adders_x[4] = {
  {0, 8, 4, 1},
  {8, 8, 4, 1},
  {16, 4, 2, 0},
  {20, 4, 2, 0},
};

/* output 'y' of shape [8] */
#define ADDERS_Y_BITS 83
#define ADDERS_Y_ELEMENTS 8
static const fpgaml_element adders_y[8] = {
  {0, 9, 4, 1},
  {9, 11, 4, 1},
  {20, 9, 2, 0},
  {29, 10, 4, 1},
  {39, 12, 4, 1},
  {51, 10, 4, 1},
  {61, 10, 4, 1},
  {71, 12, 6, 1},
};

#endif
