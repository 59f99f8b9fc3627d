/* Ports of the Verilog module activation.
   Element 0 lies in a port's lowest bits. An element's integer r stands for r * 2^-fraction. */
#ifndef FPGAML_ACTIVATION_H
#define FPGAML_ACTIVATION_H

#ifndef FPGAML_ELEMENT
#define FPGAML_ELEMENT
typedef struct {
  int offset;    /* the lowest bit's place in the port */
  int width;     /* 0: always 0, takes no bits */
  int fraction;  /* bits after the binary point */
  int is_signed; /* two's complement */
} fpgaml_element;
#endif

#define ACTIVATION_LATENCY_CYCLES 3
#define ACTIVATION_INTERVAL_CYCLES 1

/* input 'x' of shape [2] */
#define ACTIVATION_X_BITS 16
#define ACTIVATION_X_ELEMENTS 2
static const fpgaml_element activation_x[2] = {
  {0, 8, 4, 1},
  {8, 8, 4, 1},
};

/* output 'y' of shape [2] */
#define ACTIVATION_Y_BITS 12
#define ACTIVATION_Y_ELEMENTS 2
static const fpgaml_element activation_y[2] = {
  {0, 6, 1, 0},
  {6, 6, 1, 0},
};

#endif
