#ifndef FPGAML_CHDF5_SHIM_H
#define FPGAML_CHDF5_SHIM_H
/* One interface for every libhdf5 from 1.10 on: names without a version number mean those of 1.10. */
#define H5_USE_110_API
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Swift imports neither macros that expand to casts or calls nor the versioned names, which are macros too. */
static inline hid_t chdf5_default(void) { return H5P_DEFAULT; }
static inline hid_t chdf5_space_all(void) { return H5S_ALL; }
static inline unsigned chdf5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned chdf5_truncate(void) { return H5F_ACC_TRUNC; }
static inline hid_t chdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_dataset_creation(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t chdf5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t chdf5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t chdf5_native_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t chdf5_little_endian_double(void) { return H5T_IEEE_F64LE; }
static inline herr_t chdf5_silence(void) { return H5Eset_auto2(H5E_DEFAULT, 0, 0); }

/* The innermost message of the error stack, or NULL. To be called before any other function of the library,
   each of which clears the stack. */
static inline herr_t chdf5_first_error(unsigned n, const H5E_error2_t *error, void *out) {
  const char **message = (const char **)out;
  (void)n;
  if (*message == 0 && error->desc) *message = error->desc;
  return 0;
}
static inline const char *chdf5_last_error(void) {
  const char *message = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, chdf5_first_error, &message);
  return message;
}

/* A visitor of names; `kind` is the H5L_type_t of a link, 0 for an attribute. Returns 0 to go on. */
typedef int (*chdf5_visitor)(const char *name, int kind, void *context);
typedef struct { chdf5_visitor visit; void *context; } chdf5_visit;
static inline herr_t chdf5_visit_link(hid_t g, const char *name, const H5L_info_t *info, void *data) {
  const chdf5_visit *v = (const chdf5_visit *)data;
  (void)g;
  return v->visit(name, (int)info->type, v->context);
}
static inline herr_t chdf5_visit_attribute(hid_t o, const char *name, const H5A_info_t *info,
                                           void *data) {
  const chdf5_visit *v = (const chdf5_visit *)data;
  (void)o;
  (void)info;
  return v->visit(name, 0, v->context);
}
/* Visits the links of a group, or the attributes of an object, in the order of their names. */
static inline herr_t chdf5_links(hid_t group, chdf5_visitor visit, void *context) {
  chdf5_visit v = {visit, context};
  return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, 0, chdf5_visit_link, &v);
}
static inline herr_t chdf5_attributes(hid_t object, chdf5_visitor visit, void *context) {
  chdf5_visit v = {visit, context};
  return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, 0, chdf5_visit_attribute, &v);
}
/* Where an open object lies in its file: two links lead to the same object exactly when these agree. */
static inline herr_t chdf5_address(hid_t object, unsigned long long *address) {
  H5O_info_t info;
  herr_t status = H5Oget_info(object, &info);
  if (status >= 0) *address = (unsigned long long)info.addr;
  return status;
}

/* For the process that runs the library: a pipe that no other child inherits, and a file without a name.
   glibc has both functions but declares them to _GNU_SOURCE alone, which Swift does not define. */
extern int pipe2(int ends[2], int flags);
extern int memfd_create(const char *name, unsigned flags);
static inline int chdf5_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
static inline int chdf5_memory_file(void) { return memfd_create("hdf5", 1 /* MFD_CLOEXEC */); }

/* Bounds the calling process: seconds of wall and CPU time, bytes of address space; it leaves no core dump,
   dies of its signals without a handler's doing, and does not outlive the thread that started it. */
static inline void chdf5_limit_process(unsigned seconds, unsigned long long address_space) {
  const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGPIPE, SIGALRM, SIGXCPU};
  const struct rlimit cpu = {seconds, seconds}, memory = {address_space, address_space}, none = {0, 0};
  for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; ++i) signal(fatal[i], SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setrlimit(RLIMIT_CPU, &cpu);
  setrlimit(RLIMIT_AS, &memory);
  setrlimit(RLIMIT_CORE, &none);
  alarm(seconds);
}
#endif
