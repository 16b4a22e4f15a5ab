"""Two real steps on the greatest batch, before the start: what runs out of memory does so in the first minute."""

from finetune.receipt import duration, load, trial
from finetune.receipt.footprint import Range, learning
from finetune.receipt.job import Job
from finetune.receipt.start_receipt import StartReceipt

STEPS = 2
#: a whole run meets batches of more widths than this one, and the allocator keeps some of it
LOW, HIGH = 0.95, 1.25


def narrowed(job: Job) -> StartReceipt:
    """The start receipt by what two steps took on the rows that need the most memory; AppError when they failed."""
    recipe = job.recipe.change(
        max_steps=STEPS,
        gradient_accumulation_steps=min(2, job.recipe.gradient_accumulation_steps),
        eval_steps=STEPS,
        save_steps=STEPS,
        max_minutes=0.0,
    )
    greatest = greatest_batch(job)
    lengths = job.val.lengths
    longest = sorted(range(len(lengths)), key=lengths.__getitem__)[-2 * recipe.per_device_train_batch_size :]
    rows = [job.rows[i] for i in greatest] * recipe.gradient_accumulation_steps
    took = trial.run(job.settings, job.task, rows, [job.val_rows[i] for i in longest], recipe, job.base)
    asked = load.of_rows([job.train.examples[i] for i in greatest])
    speed = duration.of_points(took.points, duration.per_token(job.shape, recipe, asked), "two steps of a smoke run")
    return job.receipt(Range(LOW * took.peak, HIGH * took.peak), speed)


def greatest_batch(job: Job) -> list[int]:
    """Numbers of the rows that come together in the batch that needs the most memory."""

    def bytes_of(order: list[int]) -> float:
        together = load.of_batch([job.train.examples[i] for i in order])
        return learning(job.shape, job.recipe, job.precision, together)

    return max(load.orders(job.train, job.recipe), key=bytes_of)
