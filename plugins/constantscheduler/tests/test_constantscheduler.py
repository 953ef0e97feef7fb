import weightopt_core as wo


def test_the_scheduler_and_the_initializer_of_the_name():
    assert wo.lr_scheduler.ConstantScheduler(0.5)(10**6) == 0.5
    assert type(wo.lr_scheduler.create("constant")).__name__ == "ConstantScheduler"
    assert type(wo.init.create("constant", value=0.5)).__name__ == "Constant"
