#ifndef FPGAML_CZLIB_SHIM_H
#define FPGAML_CZLIB_SHIM_H
#include <zlib.h>
/* Raw deflate data, as in ZIP entries; inflateInit2 is a macro. */
static inline int czlib_raw_inflate_init(z_stream *stream) { return inflateInit2(stream, -MAX_WBITS); }
#endif
