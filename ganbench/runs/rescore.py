"""Scores of a finished run by metrics outside its protocol, from its kept weights."""

from __future__ import annotations

from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.data.evaluators import Features
from ganbench.evaluation.scorer import Scorer, Scores
from ganbench.runs.kept_generator import Which, facts_of_weights, generator_samples
from ganbench.runs.log_schema import named_shares
from ganbench.runs.reproduce import close, same, tracked_spec
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import RunRecord
from ganbench.tracking.metric_names import Kind, MetricName, parse_metric_name


def spec_to_rescore(record: RunRecord) -> RunSpec:
    """Return the spec of a run with final scores.

    Raises:
        GanbenchError: the run has no final scores, its spec was not tracked, or its protocol has changed since.
    """
    if record.status not in ("finished", "collapsed"):
        raise GanbenchError(f"the run '{record.id}' has no final scores: it is {record.status}")
    spec = tracked_spec(record)
    if spec.protocol_label != record.tags.get("protocol", spec.protocol_label):
        raise GanbenchError(
            f"the run '{record.id}' was scored under {record.tags['protocol']}, which is {spec.protocol_label} by now"
        )
    return spec


def rescore(
    record: RunRecord, spec: RunSpec, weights: Path, which: Which, scorer: Scorer, extra_scorer: Scorer
) -> Scores:
    """Score the run's samples, generated again from its weights, by some metrics.

    Args:
        weights, which: the file with the weights, and which they are.
        scorer: that of the run's protocol and data set, by which the samples are recognised.
        extra_scorer: the same with the further metrics.

    Raises:
        GanbenchError: the samples aren't those that were scored, or the run was scored by another evaluator.
    """
    if record.tags.get("evaluator-sha256") != scorer.evaluator.sha256:
        raise GanbenchError(
            f"the run '{record.id}' was scored by another evaluator ({record.tags.get('evaluator', 'unknown')}), so "
            f"new scores can't be compared with its own"
        )
    samples = generator_samples(spec, weights, spec.evaluation.samples, record.seed, "evaluation", scorer.device)
    features = scorer.evaluator(samples.to(scorer.device))
    if which == "last":
        _check_same_samples(record, "final", step_of_final_scores(record), features, scorer)
    else:
        step = facts_of_weights(weights).get("step", "")
        if not step.isdecimal():
            raise GanbenchError(f"the best weights of run '{record.id}' don't say of which step they are")
        _check_same_samples(record, "quick", int(step), features.first(spec.evaluation.quick_samples), scorer)
    return extra_scorer.score(features)


def _check_same_samples(record: RunRecord, kind: Kind, step: int, features: Features, scorer: Scorer) -> None:
    """Raise GanbenchError if the run's scores of a kind at a step are not those of these features."""
    tracked = {parse_metric_name(name): value for name, at, value in record.history if at == step}
    shares = named_shares(scorer.with_metrics({}).score(features), scorer.mode_names, kind)
    again = {parse_metric_name(name): share for name, share in shares.items()}
    # With too many modes to name, shares are not tracked.
    values = {} if again else scorer.values(scorer.case.rule(features), scorer.case.quick)
    again |= {MetricName(kind, name): value for name, value in values.items()}
    for name, value in again.items():
        before = tracked.get(name, value)
        if not (same(before, value) or close(before, value)):
            raise GanbenchError(
                f"the weights of run '{record.id}' don't make the samples that were scored: {name} was {before:.4g} "
                f"and is {value:.4g}"
            )


def step_of_final_scores(record: RunRecord) -> int:
    """Return the step at which a run's final scores were tracked."""
    steps = [step for name, step, _ in record.history if parse_metric_name(name).kind == "final"]
    return max(steps)
