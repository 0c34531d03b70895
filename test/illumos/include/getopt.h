/* Stand-in for illumos <getopt.h>. */
#ifndef STAND_IN_GETOPT_H
#define STAND_IN_GETOPT_H

extern char *optarg;
extern int optind, opterr, optopt;
struct option {
	const char *name;
	int has_arg;
	int *flag;
	int val;
};
#define no_argument 0
#define required_argument 1
#define optional_argument 2
extern int getopt_long(int, char *const *, const char *, const struct option *, int *);

#endif
