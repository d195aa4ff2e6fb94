/*
 * _tidepool: the kernel's calls that CPython's own modules lack on this platform, as a CPython extension: processes and signals
 * (docs/abi.md, module `tidepool`), a sleep that lets others run, hard links, and requests to the cell. sitecustomize.py puts them
 * where the standard library expects them. Every call returns an errno of WASI Preview 1, whose numbers are Emscripten's.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <poll.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT("tidepool", "proc_spawn")
extern int proc_spawn(const char *, Py_ssize_t, const char *, Py_ssize_t, const char *, Py_ssize_t, const char *, Py_ssize_t, const char *,
                      Py_ssize_t, int, int, int *);
IMPORT("tidepool", "proc_exec") extern int proc_exec(const char *, Py_ssize_t, const char *, Py_ssize_t, const char *, Py_ssize_t);
IMPORT("tidepool", "proc_wait") extern int proc_wait(int, int, int *, int *);
IMPORT("tidepool", "proc_kill") extern int proc_kill(int, int);
IMPORT("tidepool", "proc_getpid") extern int proc_getpid(void);
IMPORT("tidepool", "proc_getppid") extern int proc_getppid(void);
IMPORT("tidepool", "proc_getpgid") extern int proc_getpgid(int, int *);
IMPORT("tidepool", "proc_setpgid") extern int proc_setpgid(int, int);
IMPORT("tidepool", "proc_times") extern int proc_times(unsigned long long *);
IMPORT("tidepool", "sig_action") extern int sig_action(int, int, int *);
IMPORT("linux", "linkat") extern int kernel_linkat(int, const char *, int, const char *, int);
IMPORT("linux", "utimensat") extern int kernel_utimensat(int, const char *, const long long *, int);
IMPORT("linux", "alarm") extern int kernel_alarm(int, double, double, double *);
IMPORT("cell", "request") extern int cell_request(const char *, Py_ssize_t, Py_ssize_t *);
IMPORT("cell", "reply") extern int cell_reply(char *, Py_ssize_t);

/* Bytes of one file action of proc_spawn. */
#define ACTION_BYTES 12

static PyObject *fail(int error) {
    errno = error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *done(int error) {
    if (error) return fail(error);
    Py_RETURN_NONE;
}

/* spawn(path, argv, env, cwd, actions, flags, pgid) -> pid; argv and env are strings that each end with NUL. */
static PyObject *spawn(PyObject *self, PyObject *args) {
    Py_buffer path, argv, env, cwd, actions;
    int flags, pgid, pid = 0;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*ii", &path, &argv, &env, &cwd, &actions, &flags, &pgid)) return NULL;
    int error = proc_spawn(path.buf, path.len, argv.buf, argv.len, env.buf, env.len, cwd.buf, cwd.len, actions.buf,
                           actions.len / ACTION_BYTES, flags, pgid, &pid);
    PyBuffer_Release(&path);
    PyBuffer_Release(&argv);
    PyBuffer_Release(&env);
    PyBuffer_Release(&cwd);
    PyBuffer_Release(&actions);
    return error ? fail(error) : PyLong_FromLong(pid);
}

/* execve(path, argv, env): does not return. */
static PyObject *execute(PyObject *self, PyObject *args) {
    Py_buffer path, argv, env;
    if (!PyArg_ParseTuple(args, "y*y*y*", &path, &argv, &env)) return NULL;
    int error = proc_exec(path.buf, path.len, argv.buf, argv.len, env.buf, env.len);
    PyBuffer_Release(&path);
    PyBuffer_Release(&argv);
    PyBuffer_Release(&env);
    return done(error);
}

/* waitpid(pid, options) -> (pid, status), as waitpid(2); a signal's Python handler runs meanwhile. */
static PyObject *wait_child(PyObject *self, PyObject *args) {
    int pid, options, ended = 0, status = 0, error;
    if (!PyArg_ParseTuple(args, "ii", &pid, &options)) return NULL;
    while ((error = proc_wait(pid, options, &ended, &status)) == EINTR)
        if (PyErr_CheckSignals()) return NULL;
    return error ? fail(error) : Py_BuildValue("ii", ended, status);
}

static PyObject *send_signal(PyObject *self, PyObject *args) {
    int pid, number;
    if (!PyArg_ParseTuple(args, "ii", &pid, &number)) return NULL;
    int error = proc_kill(pid, number);
    if (error) return fail(error);
    if (PyErr_CheckSignals()) return NULL;
    Py_RETURN_NONE;
}

static PyObject *get_pid(PyObject *self, PyObject *ignored) { return PyLong_FromLong(proc_getpid()); }
static PyObject *get_ppid(PyObject *self, PyObject *ignored) { return PyLong_FromLong(proc_getppid()); }

static PyObject *get_pgid(PyObject *self, PyObject *args) {
    int pid, pgid = 0;
    if (!PyArg_ParseTuple(args, "i", &pid)) return NULL;
    int error = proc_getpgid(pid, &pgid);
    return error ? fail(error) : PyLong_FromLong(pgid);
}

static PyObject *set_pgid(PyObject *self, PyObject *args) {
    int pid, pgid;
    if (!PyArg_ParseTuple(args, "ii", &pid, &pgid)) return NULL;
    return done(proc_setpgid(pid, pgid));
}

/* times() -> (user, system, children's user, children's system), in seconds. */
static PyObject *get_times(PyObject *self, PyObject *ignored) {
    unsigned long long ns[4] = {0, 0, 0, 0};
    int error = proc_times(ns);
    return error ? fail(error) : Py_BuildValue("dddd", ns[0] / 1e9, ns[1] / 1e9, ns[2] / 1e9, ns[3] / 1e9);
}

/* sigaction(number, disposition) -> the old one; 0 default, 1 ignore, 2 catch. */
static PyObject *set_action(PyObject *self, PyObject *args) {
    int number, disposition, old = 0;
    if (!PyArg_ParseTuple(args, "ii", &number, &disposition)) return NULL;
    int error = sig_action(number, disposition, &old);
    return error ? fail(error) : PyLong_FromLong(old);
}

/* alarm(which, seconds, interval) -> seconds that were left, as setitimer(2) of ITIMER_REAL. */
static PyObject *set_alarm(PyObject *self, PyObject *args) {
    int which;
    double seconds, interval, left[2] = {0, 0};
    if (!PyArg_ParseTuple(args, "idd", &which, &seconds, &interval)) return NULL;
    int error = -kernel_alarm(which, seconds, interval, left);
    return error ? fail(error) : Py_BuildValue("dd", left[0], left[1]);
}

/* sleep(seconds): others run meanwhile. */
static PyObject *sleep_for(PyObject *self, PyObject *args) {
    PyObject *number;
    PyTime_t length, now;
    if (!PyArg_ParseTuple(args, "O", &number)) return NULL;
    double seconds = PyFloat_AsDouble(number);
    if (seconds == -1.0 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
        PyErr_Format(PyExc_TypeError, "'%.200s' object cannot be interpreted as an integer or float", Py_TYPE(number)->tp_name);
        return NULL;
    }
    if (seconds != seconds) return PyErr_Format(PyExc_ValueError, "Invalid value NaN (not a number)");
    if (seconds < 0) return PyErr_Format(PyExc_ValueError, "sleep length must be non-negative");
    if (seconds > 9.2e9) return PyErr_Format(PyExc_OverflowError, "timestamp too large to convert to C PyTime_t");
    length = (PyTime_t)(seconds * 1e9);
    if (PyTime_MonotonicRaw(&now) < 0) return fail(EINVAL);
    for (PyTime_t end = now + length;;) {
        PyTime_t left = end - now;
        int milliseconds = left <= 0 ? 0 : left > 1000000000000LL ? 1000000 : (int)((left + 999999) / 1000000);
        if (poll(NULL, 0, milliseconds) < 0 && errno != EINTR) return PyErr_SetFromErrno(PyExc_OSError);
        if (PyErr_CheckSignals()) return NULL;
        if (PyTime_MonotonicRaw(&now) < 0) return fail(EINVAL);
        if (now >= end) Py_RETURN_NONE;
    }
}

/* pause(): until a signal has come. */
static PyObject *pause_here(PyObject *self, PyObject *ignored) {
    if (poll(NULL, 0, -1) < 0 && errno != EINTR) return PyErr_SetFromErrno(PyExc_OSError);
    if (PyErr_CheckSignals()) return NULL;
    Py_RETURN_NONE;
}

/* link(source, target, flags), as linkat(2) with both paths from the working directory. */
static PyObject *hard_link(PyObject *self, PyObject *args) {
    const char *source, *target;
    int flags;
    if (!PyArg_ParseTuple(args, "yyi", &source, &target, &flags)) return NULL;
    return done(-kernel_linkat(-100, source, -100, target, flags));
}

/* utime(path or fd, None or (atime, mtime) in nanoseconds, flags), as utimensat(2). */
static PyObject *set_times(PyObject *self, PyObject *args) {
    PyObject *file;
    PyObject *ns;
    int flags, fd = -100;
    long long times[4], *wanted = NULL;
    if (!PyArg_ParseTuple(args, "OOi", &file, &ns, &flags)) return NULL;
    if (PyLong_Check(file) && (fd = PyLong_AsInt(file)) == -1 && PyErr_Occurred()) return NULL;
    if (ns != Py_None) {
        PyObject *billion = PyLong_FromLong(1000000000);
        if (!billion) return NULL;
        for (int i = 0; i < 2; i++) {
            PyObject *parts = PyNumber_Divmod(PyTuple_GET_ITEM(ns, i), billion);
            if (parts) {
                times[2 * i] = PyLong_AsLongLong(PyTuple_GET_ITEM(parts, 0));
                times[2 * i + 1] = PyLong_AsLongLong(PyTuple_GET_ITEM(parts, 1));
                Py_DECREF(parts);
            }
        }
        Py_DECREF(billion);
        if (PyErr_Occurred()) return NULL;
        wanted = times;
    }
    const char *path = PyBytes_Check(file) ? PyBytes_AS_STRING(file) : NULL;
    return done(-kernel_utimensat(fd, path, wanted, path ? flags : 0));
}

/* request(bytes) -> bytes: asks the cell, and waits for its answer. Both are JSON. */
static PyObject *request(PyObject *self, PyObject *args) {
    Py_buffer asked;
    Py_ssize_t length = 0;
    int error;
    if (!PyArg_ParseTuple(args, "y*", &asked)) return NULL;
    while ((error = cell_request(asked.buf, asked.len, &length)) == EINTR)
        if (PyErr_CheckSignals()) break;
    PyBuffer_Release(&asked);
    if (PyErr_Occurred()) {
        cell_reply(NULL, -1); /* nobody waits for the answer any more */
        return NULL;
    }
    if (error) return fail(error);
    PyObject *answer = PyBytes_FromStringAndSize(NULL, length);
    if (!answer) return NULL;
    error = cell_reply(PyBytes_AS_STRING(answer), length);
    if (!error) return answer;
    Py_DECREF(answer);
    return fail(error);
}

/*
 * Error numbers. An OSError that C code makes has this platform's number and text; it is given Linux's of both, and the class that
 * belongs to them. It is known by its text, which is exactly strerror(3) of its number; others are left as their makers wanted them.
 */
typedef struct {
    int ours, linux_number;
    const char *text;
    PyObject **class;
} error_row;

#define PyExc_0 PyExc_OSError
#define X(name, number, text, class) {name, number, text, &PyExc_##class},
static const error_row error_rows[] = {
#include "errors.h"
};
#undef X
#define ERROR_ROWS (sizeof error_rows / sizeof *error_rows)

static const error_row *row_of_ours(long number) {
    for (size_t i = 0; i < ERROR_ROWS; i++)
        if (error_rows[i].ours == number) return &error_rows[i];
    return NULL;
}

static const error_row *row_of_linux(long number) {
    for (size_t i = 0; i < ERROR_ROWS; i++)
        if (error_rows[i].linux_number == number) return &error_rows[i];
    return NULL;
}

/* The table by which OSError finds its class has this platform's numbers; it is found among the collector's objects, and made Linux's. */
static int renumber_classes(void) {
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *objects = gc ? PyObject_CallMethod(gc, "get_objects", NULL) : NULL;
    Py_XDECREF(gc);
    if (!objects) return -1;
    PyObject *key = PyLong_FromLong(ENOENT);
    for (Py_ssize_t i = 0; key && i < PyList_GET_SIZE(objects); i++) {
        PyObject *map = PyList_GET_ITEM(objects, i);
        if (!PyDict_CheckExact(map) || PyDict_GetItem(map, key) != PyExc_FileNotFoundError) continue;
        PyDict_Clear(map);
        for (size_t r = 0; r < ERROR_ROWS; r++) {
            if (*error_rows[r].class == PyExc_OSError) continue;
            PyObject *number = PyLong_FromLong(error_rows[r].linux_number);
            if (number) PyDict_SetItem(map, number, *error_rows[r].class);
            Py_XDECREF(number);
        }
        break;
    }
    Py_XDECREF(key);
    Py_DECREF(objects);
    return PyErr_Occurred() ? -1 : 0;
}

/* The exception, with Linux's number (and its text, where there is one to replace) in place of ours. */
static PyObject *renumbered(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names, const error_row *row, const char *text) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (names && PyTuple_GET_SIZE(names) > 0)
        return PyErr_Format(PyExc_TypeError, "%s() takes no keyword arguments", ((PyTypeObject *)type)->tp_name);
    PyObject *tuple = PyTuple_New(count), *made = NULL;
    if (!tuple) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = row && i == 0 ? PyLong_FromLong(row->linux_number) : row && i == 1 && text ? PyUnicode_FromString(text) : Py_NewRef(args[i]);
        PyTuple_SET_ITEM(tuple, i, item);
    }
    if (!PyErr_Occurred()) made = Py_TYPE(type)->tp_call(type, tuple, NULL);
    Py_DECREF(tuple);
    return made;
}

static int is_number(PyObject *value, int number) { return PyLong_CheckExact(value) && PyLong_AsLong(value) == number; }

/* io makes it with a text of its own; no other number than that of EAGAIN belongs to it. */
static PyObject *make_blocking_error(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names) {
    int is_ours = PyVectorcall_NARGS(nargsf) >= 2 && is_number(args[0], EAGAIN);
    PyErr_Clear();
    return renumbered(type, args, nargsf, names, is_ours ? row_of_ours(EAGAIN) : NULL, NULL);
}

/* What C code makes of errno besides OSError: math's OverflowError. */
static PyObject *make_overflow_error(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names) {
    int is_ours = PyVectorcall_NARGS(nargsf) == 2 && is_number(args[0], ERANGE) && PyUnicode_CheckExact(args[1]) &&
                  PyUnicode_CompareWithASCIIString(args[1], strerror(ERANGE)) == 0;
    PyErr_Clear();
    const error_row *row = is_ours ? row_of_ours(ERANGE) : NULL;
    return renumbered(type, args, nargsf, names, row, row ? row->text : NULL);
}

static PyObject *make_os_error(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names) {
    static int renumbered;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    PyObject *tuple = PyTuple_New(count), *kwargs = NULL, *made = NULL, *class = type;
    if (!tuple) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    if (names && PyTuple_GET_SIZE(names) > 0) {
        if (!(kwargs = PyDict_New())) goto done;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++)
            if (PyDict_SetItem(kwargs, PyTuple_GET_ITEM(names, i), args[count + i])) goto done;
    }
    if (count >= 2 && count <= 5 && PyLong_CheckExact(args[0])) {
        long number = PyLong_AsLong(args[0]);
        if (number == -1 && PyErr_Occurred()) PyErr_Clear();
        const error_row *row = row_of_ours(number);
        const char *text = row && PyUnicode_CheckExact(args[1]) ? strerror(number) : NULL;
        if (text && PyUnicode_CompareWithASCIIString(args[1], text) == 0) {
            PyObject *linux_number = PyLong_FromLong(row->linux_number), *linux_text = PyUnicode_FromString(row->text);
            if (!linux_number || !linux_text) {
                Py_XDECREF(linux_number);
                Py_XDECREF(linux_text);
                goto done;
            }
            Py_SETREF(PyTuple_GET_ITEM(tuple, 0), linux_number);
            Py_SETREF(PyTuple_GET_ITEM(tuple, 1), linux_text);
        } else
            row = row_of_linux(number);
        if (row) class = *row->class;
        if (class == PyExc_OSError && !renumbered) {
            renumbered = 1;
            if (renumber_classes()) goto done;
        }
    }
    made = Py_TYPE(type)->tp_call(class, tuple, kwargs);
done:
    Py_DECREF(tuple);
    Py_XDECREF(kwargs);
    return made;
}

/* errors() -> [(name, Linux's number, text)] */
static PyObject *list_errors(PyObject *self, PyObject *ignored) {
    PyObject *list = PyList_New(0);
#define X(name, number, text, class) \
    if (list) { \
        PyObject *row = Py_BuildValue("(sis)", #name, number, text); \
        if (!row || PyList_Append(list, row)) Py_CLEAR(list); \
        Py_XDECREF(row); \
    }
#include "errors.h"
#undef X
    return list;
}

static PyMethodDef methods[] = {
    {"spawn", spawn, METH_VARARGS, NULL},
    {"execve", execute, METH_VARARGS, NULL},
    {"waitpid", wait_child, METH_VARARGS, NULL},
    {"kill", send_signal, METH_VARARGS, NULL},
    {"getpid", get_pid, METH_NOARGS, NULL},
    {"getppid", get_ppid, METH_NOARGS, NULL},
    {"getpgid", get_pgid, METH_VARARGS, NULL},
    {"setpgid", set_pgid, METH_VARARGS, NULL},
    {"times", get_times, METH_NOARGS, NULL},
    {"sigaction", set_action, METH_VARARGS, NULL},
    {"alarm", set_alarm, METH_VARARGS, NULL},
    {"sleep", sleep_for, METH_VARARGS, NULL},
    {"pause", pause_here, METH_NOARGS, NULL},
    {"utime", set_times, METH_VARARGS, NULL},
    {"link", hard_link, METH_VARARGS, NULL},
    {"request", request, METH_VARARGS, NULL},
    {"errors", list_errors, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_tidepool", "The kernel of the cell.", -1, methods};

/*
 * The engine's own stack, which holds most of a C frame, is smaller than the one in memory that CPython looks at to raise a
 * RecursionError. So it is told of so much of the latter as is used when the former is nearly full.
 */
#define STACK_BYTES (80 * 1024)

static void protect_stack(void) {
    char here;
    PyUnstable_ThreadState_SetStackProtection(PyThreadState_Get(), &here - STACK_BYTES, STACK_BYTES);
}

PyMODINIT_FUNC PyInit__tidepool(void) {
    protect_stack();
    ((PyTypeObject *)PyExc_OSError)->tp_vectorcall = make_os_error;
    ((PyTypeObject *)PyExc_BlockingIOError)->tp_vectorcall = make_blocking_error;
    ((PyTypeObject *)PyExc_OverflowError)->tp_vectorcall = make_overflow_error;
    return PyModule_Create(&module);
}
