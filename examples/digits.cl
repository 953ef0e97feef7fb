// The network of digits.py. Each work-item computes one element, or one row.

kernel void gather(global const float *x, global const int *y, global const int *order, int begin,
                   global float *batch, global int *labels)
{
    int i = get_global_id(0), k = get_global_id(1), n = get_global_size(1);
    int sample = order[begin + i];
    batch[i * n + k] = x[sample * n + k];
    labels[i] = y[sample];
}

kernel void dense(global const float *x, global const float *weight, global const float *bias,
                  int inputs, int relu, global float *out)
{
    int i = get_global_id(0), j = get_global_id(1);
    float sum = bias[j];
    for (int k = 0; k < inputs; k++)
        sum += x[i * inputs + k] * weight[j * inputs + k];
    out[i * get_global_size(1) + j] = relu ? fmax(sum, 0.0f) : sum;
}

kernel void judge(global float *logits, global const int *labels, int classes,
                  global float *loss, global float *right)
{
    int i = get_global_id(0), best = 0;
    global float *row = logits + i * classes;
    float sum = 0.0f;
    for (int c = 1; c < classes; c++)
        best = row[c] > row[best] ? c : best;
    float highest = row[best];
    for (int c = 0; c < classes; c++)
        sum += exp(row[c] - highest);
    loss[i] = log(sum) + highest - row[labels[i]];
    right[i] = best == labels[i];
    for (int c = 0; c < classes; c++)  // the logits become their own gradients
        row[c] = exp(row[c] - highest) / sum - (c == labels[i]);
}

kernel void back(global const float *d_out, global const float *weight, int outputs,
                 global const float *hidden, global float *d_hidden)
{
    int i = get_global_id(0), k = get_global_id(1), n = get_global_size(1);
    float sum = 0.0f;
    for (int j = 0; j < outputs; j++)
        sum += d_out[i * outputs + j] * weight[j * n + k];
    d_hidden[i * n + k] = hidden[i * n + k] > 0.0f ? sum : 0.0f;
}

kernel void gradient(global const float *d_out, global const float *x, int samples,
                     global float *d_weight, global float *d_bias)
{
    int j = get_global_id(0), k = get_global_id(1), m = get_global_size(0), n = get_global_size(1);
    float weight = 0.0f, bias = 0.0f;
    for (int i = 0; i < samples; i++) {
        weight += d_out[i * m + j] * x[i * n + k];
        bias += d_out[i * m + j];
    }
    d_weight[j * n + k] = weight;
    if (k == 0)
        d_bias[j] = bias;
}

kernel void mean(global const float *values, int count, global float *curve, int at)
{
    float sum = 0.0f;
    for (int i = 0; i < count; i++)
        sum += values[i];
    curve[at] = sum / count;
}
