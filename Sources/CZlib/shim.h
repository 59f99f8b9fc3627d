#ifndef FPGAML_CZLIB_SHIM_H
#define FPGAML_CZLIB_SHIM_H
#include <zlib.h>
#endif
