"""Random rules, whose names mean something in the languages that rules are lowered to."""

import keyword

#: What generated text must not take for its own.
_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline
int long register restrict return short signed sizeof static struct switch typedef union
unsigned void volatile while _Bool _Complex _Noreturn _Atomic alignas asm bool catch class
constexpr decltype delete explicit export friend mutable namespace new noexcept nullptr operator
private protected public template this throw try typename using virtual wchar_t and_eq bitand
compl not_eq xor cdef cpdef cimport ctypedef nogil gil include readonly extern object bint NULL
DEF IF libc cpython __kernel kernel __global global __local local __constant constant __private
uchar ushort uint ulong half float4 double2 uint2 size_t ptrdiff_t image2d_t sampler_t event_t
convert_float as_uint as_float min max clamp abs fabs sqrt exp log pow sign step mix dot length
fma mad select barrier get_global_id get_local_id get_group_id clz mul_hi CLK_LOCAL_MEM_FENCE
FP_CONTRACT INFINITY NAN HUGE_VAL MAXFLOAT M_PI M_PI_2 M_PI_F M_E FLT_MAX DBL_MAX CHAR_BIT EOF I
complex errno INT_MAX UINT64_MAX SIZE_MAX offsetof uint16_t uint64_t memcpy y0 y1 yn j0 j1 jn
gamma signgam isnan signbit nan infinity linux unix PyObject Py_None PyCapsule_New PyInit__rules
RULES Py_LIMITED_API _rules REAL FN SQRT FABS GROUP PART RESTRICT CLONED BLOCK HAS_CLONES AVX2
AVX512 CHOSEN clones clone_level leading lost
WORD WORDS PER_BLOCK BLOCKS MULTIPLY U16 U32 U64 AS_U32 AS_F32 AS_U64 AS_F64 REBIASED BITS
ROUNDING_STEP SUM ZERO REDUCTIONS LANES ROWS SQUARES VALUES
MAGNITUDES NEGATIVE INFINITE UNIT steps joined made_of which total mean largest
MEASURED FLOAT64 RULE_0 rule_0_float32 i j k k0 k1 m0 x y bound count arrays constants blocks
begin end first last row rows words key key0 key1 part parts group number chunk slot values sums
norm mirror salt0_0 salt0_1 random0 b0 b1 out value weight_new weight_p weight_at weight_0
grad_0 grad_1 x_1 x_1_0 x_2 one_tensor many_tensors run_part slot_of square clip where maximum
minimum clip_float32 from_bfloat16 round_to_bfloat16 normal_float32 wo_x0 wo_x1 wo_v0 wo_v1 wo_k
wo_k0 wo_m0 wo_p0 wo_p1_at wo_new0 wo_i wo_count wo_out0 __file__ __line__ __FILE__ __LINE__
__STDC__ __restrict __attribute__ __builtin_sqrtf defined pragma self cls print exec type id
given0 number0 value0 evaluate unused0
"""
#: Python takes each for a name in ASCII: fi, H and s.
_LIGATURES = ["\ufb01", "\u210c", "\u017f"]
NAMES = [name for name in dict.fromkeys(_WORDS.split()) if not keyword.iskeyword(name)]
NAMES += _LIGATURES

HEADER = """\
from weightopt_core import update_rule
from weightopt_core.rule import clip as f_clip, maximum as f_maximum, minimum as f_minimum
from weightopt_core.rule import norm as f_norm, sign as f_sign, sqrt as f_sqrt, where as f_where
from weightopt_core.rule import largest as f_largest, mean as f_mean, total as f_total
"""
REDUCTIONS = ["f_norm", "f_total", "f_mean", "f_largest"]
#: A bracket of text for each kind of expression, from parts of the kinds that are named.
NUMBERS = [
    "({number} + {number})",
    "({number} - {number})",
    "{number} * {number}",
    "{number} / (1 + {number}**2)",
    "({number} if {number} > {number} else {number})",
    "({number} and {number})",
    "({number} or {number})",
    "-{number}",
]
ARRAYS = [
    "({array} + {array})",
    "({array} - {number})",
    "({number} * {array})",
    "{array} * {array}",
    "{array} / ({array} * {array} + 0.5)",
    "f_where({mask}, {array}, {array})",
    "f_where({mask}, {number}, {array})",
    "f_clip({array}, 0.75)",
    "f_sqrt(({array})**2 + 0.25)",
    "f_sign({array})",
    "f_maximum({array}, {array})",
    "f_minimum({array}, {number})",
    "(-{array})",
    "{array}**2 * 0.5",
]
MASKS = [
    "({array} < {array})",
    "({array} >= {number})",
    "({mask} & {mask})",
    "({mask} | {mask})",
    "~({mask})",
]


class Maker:
    """Makes the text of rules from what a random generator draws, so many brackets deep."""

    def __init__(self, rng, depth):
        self.rng, self.depth = rng, depth
        self.arrays, self.numbers, self.masks = [], [], []

    def rule(self, name, names, reduces):
        """Return the text of the rule `name`, whose parameters and locals are called `names`."""
        states, numbers = names[: len(names) // 4], names[len(names) // 4 : len(names) // 2]
        self.arrays, self.numbers, self.masks = ["weight", "grad", *states], list(numbers), []
        signature = f"weight, grad, {', '.join(states)}, *, {', '.join(numbers)}"
        lines = [f"@update_rule\ndef {name}({signature}):"]
        if reduces:
            one, other = self.rng.choice(REDUCTIONS, 2)
            lines.append(f"    {names[-1]} = {one}({self.array(1)}) / (1 + {other}(grad)**2)")
            self.numbers.append(names[-1])
        for local in names[len(names) // 2 : -1]:
            kind = self.rng.choice(["array", "array", "number", "mask"])
            value = getattr(self, kind)(self.depth)
            for known in (self.arrays, self.numbers, self.masks):
                if local in known:
                    known.remove(local)
            getattr(self, f"{kind}s").append(local)
            lines.append(f"    {local} = {value}")
        results = [self.array(self.depth) for _ in range(1 + len(states))]
        return "\n".join([*lines, f"    return {', '.join(results)}"]) + "\n"

    def array(self, depth):
        return self._made(ARRAYS, depth) if depth else self._one_of(self.arrays)

    def number(self, depth):
        if depth:
            return self._made(NUMBERS, depth)
        return self._one_of([*self.numbers, "0.5", "2"])

    def mask(self, depth):
        if depth:
            return self._made(MASKS, depth)
        return self._one_of([*self.masks, f"({self.array(0)} > 0.125)"])

    def _made(self, forms, depth):
        text, depth = self._one_of(forms), depth - 1
        for kind in ("array", "number", "mask"):
            while f"{{{kind}}}" in text:
                text = text.replace(f"{{{kind}}}", getattr(self, kind)(depth), 1)
        return text

    def _one_of(self, choices):
        return choices[self.rng.integers(len(choices))]
