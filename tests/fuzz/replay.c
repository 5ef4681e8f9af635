/* Takes libFuzzer's place in an ordinary build: the target sees every file of
 * its corpus once, and TAP says so. Arguments: files and folders of files. */
#include <config.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { INPUT_MAX = 4 << 20 };

static int done;

static void
play(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	size_t n;

	if (f == NULL || data == NULL)
		exit(99);
	n = fread(data, 1, INPUT_MAX, f);
	fclose(f);
	/* An exact copy, so that a sanitizer sees a read past the end. */
	data = realloc(data, n > 0 ? n : 1);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	printf("ok %d - %s\n", ++done, path);
}

static void
play_folder(const char *path)
{
	char file[4096];
	struct dirent *e;
	DIR *d = opendir(path);

	if (d == NULL)
		exit(99);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
			play(file);
		}
	closedir(d);
}

int
main(int argc, char *argv[])
{
	struct stat st;
	int i;

	for (i = 1; i < argc; i++) {
		if (stat(argv[i], &st) != 0)
			return 99;
		if (S_ISDIR(st.st_mode))
			play_folder(argv[i]);
		else
			play(argv[i]);
	}
	printf("1..%d\n", done);
	return done == 0;
}
