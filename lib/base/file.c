// Reading files: all of one, and no more than was asked for.
// Neighbours: buffer.h holds the bytes.
#include <csched/base/file.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

static int read_all(int fd, struct cs_buffer *bytes)
{
	for (;;) {
		// One byte beyond the maximum is asked for, to see whether there is more.
		size_t left = bytes->max - bytes->size;
		size_t step = left < 65536 ? left : 65536;
		char *to = cs_buffer_reserve(bytes, step);
		char beyond;
		ssize_t n = step > 0 ? read(fd, to, step) : read(fd, &beyond, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if (step == 0)
			return -EFBIG;
		bytes->size += (size_t)n;
		bytes->data[bytes->size] = '\0';
	}
}

int cs_file_read(const char *path, size_t max, char **ret, size_t *ret_size, struct cs_error *err)
{
	CS_AUTO_CLOSE int opened = -1;
	int fd = STDIN_FILENO;
	if (strcmp(path, "-") != 0) {
		opened = fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return cs_error_errno(err, -errno, "%s", path);
	}
	CS_AUTO_BUFFER struct cs_buffer bytes;
	cs_buffer_init(&bytes, max);
	int r = read_all(fd, &bytes);
	if (r == -EFBIG)
		return cs_error_set(err, r, "%s: larger than %zu bytes", path, max);
	if (r < 0)
		return cs_error_errno(err, r, "%s", path);
	*ret_size = bytes.size;
	*ret = cs_buffer_take(&bytes);
	return 0;
}
