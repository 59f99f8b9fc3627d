/* Ports of the Verilog module positions.
   Element 0 lies in a port's lowest bits. An element's integer r stands for r * 2^-fraction. */
#ifndef FPGAML_POSITIONS_H
#define FPGAML_POSITIONS_H

#ifndef FPGAML_ELEMENT
#define FPGAML_ELEMENT
typedef struct {
  int offset;    /* the lowest bit's place in the port */
  int width;     /* 0: always 0, takes no bits */
  int fraction;  /* bits after the binary point */
  int is_signed; /* two's complement */
} fpgaml_element;
#endif

#define POSITIONS_LATENCY_CYCLES 1
#define POSITIONS_INTERVAL_CYCLES 1

/* input 'x' of shape [5] */
#define POSITIONS_X_BITS 36
#define POSITIONS_X_ELEMENTS 5
static const fpgaml_element positions_x[5] = {
  {0, 8, 4, 1},
  {8, 8, 4, 1},
  {16, 8, 4, 1},
  {24, 8, 4, 1},
  {32, 4, 2, 0},
};

/* output 'y' of shape [4] */
#define POSITIONS_Y_BITS 47
#define POSITIONS_Y_ELEMENTS 4
static const fpgaml_element positions_y[4] = {
  {0, 12, 4, 1},
  {12, 12, 4, 1},
  {24, 12, 4, 1},
  {36, 11, 4, 1},
};

#endif
