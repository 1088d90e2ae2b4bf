/* What libnl's configure would find out. Its debug messages and the NLDBG variable are left out. */
#define HAVE_STRERROR_L 1
