/* Whether the arrays of a step are those that are known. Needs neither the interpreter nor, while
   the caller holds its lock, anything but reading. */
#ifndef WEIGHTOPT_RECOGNISE_H
#define WEIGHTOPT_RECOGNISE_H

#include <Python.h>
#include <numpy/arrayobject.h>

#include "words.h"

#include "quantized.h"

/* What is known of one array. All of it is compared by value; no address is followed but those of
   the arrays that a step is given. */
typedef struct {
    char *data;
    const void *object; /* where it was, and where its shape was: to fetch them early */
    const void *dims;
    int type; /* NumPy's number of it, which no dtype object can change */
} weightopt_known;

#if defined(__GNUC__)
#define WEIGHTOPT_FETCH(address) __builtin_prefetch(address, 0, 3)
#else
#define WEIGHTOPT_FETCH(address) ((void)(address))
#endif

/* Ask for the objects of a tensor some time before they are looked at. */
static inline void weightopt_fetch(const weightopt_known *known, int arrays)
{
    for (int i = 0; i < arrays; ++i) {
        WEIGHTOPT_FETCH(known[i].object);
        WEIGHTOPT_FETCH((const char *)known[i].object + 64);
        WEIGHTOPT_FETCH(known[i].dims);
    }
}

/* Ask for the head of an object some time before it is looked at. */
static inline void weightopt_fetch_head(const PyObject *object)
{
    WEIGHTOPT_FETCH(object);
}

/* The items of a list or tuple. */
static inline PyObject **weightopt_items(PyObject *sequence)
{
    return PySequence_Fast_ITEMS(sequence);
}

/* The arrays of a state, and in `count` how many they are. */
static inline PyObject **weightopt_parts(PyObject **state, Py_ssize_t *count)
{
    if (PyTuple_CheckExact(*state) || PyList_CheckExact(*state)) {
        *count = PySequence_Fast_GET_SIZE(*state);
        return PySequence_Fast_ITEMS(*state);
    }
    *count = *state != Py_None;
    return state;
}

/* Whether an array has the shape that goes with the weight, or master copy, `first`. */
static inline int weightopt_fits(PyObject *object, PyObject *first)
{
    PyArrayObject *array = (PyArrayObject *)object, *weight = (PyArrayObject *)first;
    if (PyArray_TYPE(array) != NPY_UINT8)
        return object == first || PyArray_SAMESHAPE(array, weight);
    /* A state in 8 bits is a row of bytes. */
    return PyArray_NDIM(array) == 1
        && PyArray_DIM(array, 0) == QUANTIZED_BYTES(PyArray_SIZE(weight));
}

/* Whether `object` is still the known array, and of a shape that goes with `first`. */
static inline int weightopt_is_same(PyObject *object, const weightopt_known *known, int written,
                                    PyObject *first)
{
    PyArrayObject *array = (PyArrayObject *)object;
    int flags = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | (written ? NPY_ARRAY_WRITEABLE : 0);
    return Py_TYPE(object) == &PyArray_Type && PyArray_DATA(array) == known->data
        && PyArray_TYPE(array) == known->type && PyArray_ISNOTSWAPPED(array)
        && (PyArray_FLAGS(array) & flags) == flags && weightopt_fits(object, first);
}

/* Whether `weight`, `grad` and the arrays of `state` are the known ones of a tensor of `count`
   elements: first the weight, the gradient and the states, last the 16-bit weight of a master
   copy if there is one. */
static inline int weightopt_is_same_tensor(PyObject *weight, PyObject *grad, PyObject **state,
                                           const weightopt_known *known, int states, int mirror,
                                           Py_ssize_t count)
{
    Py_ssize_t parts;
    PyObject **part = weightopt_parts(state, &parts);
    const int master = known[mirror].data != NULL;
    if (parts != states + master)
        return 0;
    PyObject *first = master ? part[states] : weight;
    if (!weightopt_is_same(first, &known[0], 1, first)
        || PyArray_SIZE((PyArrayObject *)first) != count
        || !weightopt_is_same(grad, &known[1], 0, first)
        || (master && !weightopt_is_same(weight, &known[mirror], 1, first)))
        return 0;
    for (int i = 0; i < states; ++i)
        if (!weightopt_is_same(part[i], &known[2 + i], 1, first))
            return 0;
    return 1;
}

#endif
