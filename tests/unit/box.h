/* A directory of a test's own goes, with all that is in it. */
#ifndef TESTS_BOX_H
#define TESTS_BOX_H
#include <ftw.h>
#include <stdio.h>

static inline int
box_remove_one(const char *path, const struct stat *st, int type,
    struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

/* 0, or -1 and errno. Links are removed, not followed. */
static inline int
box_remove(const char *dir)
{
	return nftw(dir, box_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
#endif
