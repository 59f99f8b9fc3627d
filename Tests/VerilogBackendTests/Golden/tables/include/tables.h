/* Ports of the Verilog module tables.
   Element 0 lies in a port's lowest bits. An element's integer r stands for r * 2^-fraction. */
#ifndef FPGAML_TABLES_H
#define FPGAML_TABLES_H

#ifndef FPGAML_ELEMENT
#define FPGAML_ELEMENT
typedef struct {
  int offset;    /* the lowest bit's place in the port */
  int width;     /* 0: always 0, takes no bits */
  int fraction;  /* bits after the binary point */
  int is_signed; /* two's complement */
} fpgaml_element;
#endif

#define TABLES_LATENCY_CYCLES 1
#define TABLES_INTERVAL_CYCLES 1

/* input 'x' of shape [3] */
#define TABLES_X_BITS 11
#define TABLES_X_ELEMENTS 3
static const fpgaml_element tables_x[3] = {
  {0, 3, 0, 1},
  {3, 4, 2, 0},
  {7, 4, 2, 0},
};

/* output 'y' of shape [5] */
#define TABLES_Y_BITS 23
#define TABLES_Y_ELEMENTS 5
static const fpgaml_element tables_y[5] = {
  {0, 4, 0, 0},
  {4, 7, 0, 1},
  {11, 7, 0, 1},
  {18, 4, 2, 0},
  {22, 1, 0, 0},
};

#endif
