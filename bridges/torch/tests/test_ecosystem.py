"""The trainer of transformers, and accelerate; `make test-torch-ecosystem` installs them."""

import pytest
import torch
import weightopt_torch

transformers = pytest.importorskip("transformers")
accelerate = pytest.importorskip("accelerate")
pytestmark = pytest.mark.slow


def tiny():
    """Return a language model of 2 layers, made from its settings."""
    torch.manual_seed(0)
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 16, "vocab_size": 32}
    none = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    tokens = {"bos_token_id": 0, "eos_token_id": 1}
    config = transformers.GPT2Config(**sizes, **none, **tokens)
    return transformers.GPT2LMHeadModel(config)


def texts():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(32, (24, 8), generator=generator)
    return [{"input_ids": row, "labels": row} for row in rows]


def tools(model):
    groups = {"*.bias|*ln_*": {"weight_decay": 0.0}}
    named = model.named_parameters()
    optimizer = weightopt_torch.create("adamw", named, lr=0.01, weight_decay=0.1, groups=groups)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.9**step)
    return optimizer, schedule


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def trainer(folder, model, **options):
    arguments = transformers.TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        max_grad_norm=0.5,
        max_steps=6,
        save_steps=3,
        logging_steps=1,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        **options,
    )
    return transformers.Trainer(
        model=model, args=arguments, train_dataset=texts(), optimizers=tools(model)
    )


@pytest.mark.parametrize("options", [{}, {"bf16": True}], ids=["float32", "bfloat16"])
def test_the_trainer_trains_and_goes_on_from_its_checkpoint(options, tmp_path):
    straight = tiny()
    first = trainer(tmp_path, straight, **options)
    before = weights(straight)
    first.train()
    losses = [entry["loss"] for entry in first.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0]
    assert not equal(weights(straight), before)
    assert {int(one["step"]) for one in first.optimizer.state.values()} == {6}

    resumed = tiny()
    second = trainer(tmp_path, resumed, **options)
    second.train(resume_from_checkpoint=str(tmp_path / "checkpoint-3"))
    assert second.state.global_step == 6
    assert equal(weights(resumed), weights(straight))


def prepared(**options):
    accelerator = accelerate.Accelerator(cpu=True, **options)
    model = tiny()
    optimizer, schedule = tools(model)
    loader = torch.utils.data.DataLoader(texts(), batch_size=4)
    return accelerator, accelerator.prepare(model, optimizer, loader, schedule)


def run(accelerator, model, optimizer, loader, schedule):
    for batch in loader:
        with accelerator.accumulate(model):
            accelerator.backward(model(**batch).loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return weights(accelerator.unwrap_model(model))


@pytest.mark.parametrize("options", [{}, {"mixed_precision": "bf16"}], ids=["float32", "bfloat16"])
def test_accelerate_trains_and_goes_on_from_its_checkpoint(options, tmp_path):
    accelerator, prepared_ones = prepared(gradient_accumulation_steps=2, **options)
    before = weights(accelerator.unwrap_model(prepared_ones[0]))
    run(accelerator, *prepared_ones)
    accelerator.save_state(tmp_path)
    straight = run(accelerator, *prepared_ones)
    assert not equal(straight, before)

    accelerator, prepared_ones = prepared(gradient_accumulation_steps=2, **options)
    accelerator.load_state(tmp_path)
    assert equal(run(accelerator, *prepared_ones), straight)
