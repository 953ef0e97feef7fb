/* Whether an array that keeps its fields as attributes is still what is known of it. Needs the
   interpreter's lock, runs no Python, and creates no object. */
#ifndef WEIGHTOPT_RECOGNISE_OBJECTS_H
#define WEIGHTOPT_RECOGNISE_OBJECTS_H

#include "recognise.h"

/* Until Python 3.12 every change to a dictionary gives it a version that none had before. */
#if PY_VERSION_HEX < 0x030C0000
#define WEIGHTOPT_VERSION(dictionary) (((const PyDictObject *)(dictionary))->ma_version_tag)
#else
#define WEIGHTOPT_VERSION(dictionary) 0
#endif

/* What is known of one array. All but what is for fetching is owned by who keeps this. */
typedef struct {
    PyTypeObject *type;
    PyObject *attributes; /* its own dictionary */
    PyObject *list;       /* of its events */
    PyObject *events;     /* a tuple: what that list held */
    uint64_t version;     /* of the dictionary when it was last read; 0 where that is not known */
    PyObject *keys;       /* a tuple: of the dictionary, up to the last that matters */
    PyObject *values;     /* a tuple: the value of each of them, Ellipsis where any will do */
    Py_ssize_t entries;   /* of the dictionary */
    int at_events;        /* the number of the list's key */
    int role;             /* -2 for a weight, -1 for a gradient, else the number of a state */
    const void *object;   /* where the array was, to fetch it early; never followed */
} weightopt_known_object;

/* Ask for an array some time before it is looked at. */
static inline void weightopt_fetch_object(const weightopt_known_object *known)
{
    WEIGHTOPT_FETCH(known->object);
    WEIGHTOPT_FETCH(known->attributes);
    WEIGHTOPT_FETCH(known->list);
}

/* Whether `events` holds what is known: then 1, else 2. */
static inline int weightopt_waits(PyObject *events, const weightopt_known_object *known)
{
    const Py_ssize_t count = PyList_GET_SIZE(events);
    if (count != PyTuple_GET_SIZE(known->events))
        return 2;
    for (Py_ssize_t i = 0; i < count; ++i)
        if (PyList_GET_ITEM(events, i) != PyTuple_GET_ITEM(known->events, i))
            return 2;
    return 1;
}

/* Whether `object` is still the known one, with the attributes that are known: then 1, or 2 if its
   events are others.

   The dictionary tells the object: it is owned, so no other can have its address, and assigning
   another to the object is seen. It is read entry by entry, because to look up a name would compare
   keys, which runs Python where one of them is no plain string. If the object has no dictionary
   yet, one is created, which may run Python too; then the object is new, and nothing else may be
   read after this returns 0. */
static inline int weightopt_is_same_object(PyObject *object, weightopt_known_object *known)
{
    if (Py_TYPE(object) != known->type)
        return 0;
    PyObject *attributes = PyObject_GenericGetDict(object, NULL);
    if (!attributes) {
        PyErr_Clear();
        return 0;
    }
    const int same = attributes == known->attributes;
    Py_DECREF(attributes);
    if (!same)
        return 0;
    const uint64_t version = WEIGHTOPT_VERSION(attributes);
    if (version && version == known->version)
        return weightopt_waits(known->list, known);
    if (PyDict_GET_SIZE(attributes) != known->entries)
        return 0;
    Py_ssize_t at = 0, i = 0;
    const Py_ssize_t count = PyTuple_GET_SIZE(known->keys);
    PyObject *key, *value, *events = NULL;
    for (; i < count && PyDict_Next(attributes, &at, &key, &value); ++i) {
        if (key != PyTuple_GET_ITEM(known->keys, i))
            return 0;
        PyObject *wanted = PyTuple_GET_ITEM(known->values, i);
        if (i == known->at_events)
            events = value;
        else if (wanted != Py_Ellipsis && wanted != value)
            return 0;
    }
    if (i != count || !events || !PyList_CheckExact(events))
        return 0;
    known->version = events == known->list ? version : 0;
    return weightopt_waits(events, known);
}

#endif
