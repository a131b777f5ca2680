"""What deploying costs: rendering the chart, starting containers, the size of images. Images need root and Debian's Docker engine."""

import pathlib
import statistics
import tempfile
import types

RENDERS = 5
STARTS = 5


def deploy(programs):
    """the chart's rendering with its slowest values, containers from start to ready, images' sizes"""
    from deploy import images, rendering  # pylint: disable=import-outside-toplevel
    from deploy.engine import BASE, Engine  # pylint: disable=import-outside-toplevel

    helm = rendering.Helm()
    try:
        slowest = max(rendering.value_sets(), key=lambda values: helm.template(values=values).seconds)
        metrics = {"chart_renders_s": statistics.median(helm.template(values=slowest, chart=rendering.CHART).seconds for _ in range(RENDERS))}
    finally:
        helm.close()
    with tempfile.TemporaryDirectory(prefix="skerry-deploy-") as place:
        suite = types.SimpleNamespace(build=programs.build, folder=pathlib.Path(place), check=lambda *_: None)
        with Engine(suite.folder / "engine") as engine:
            images.make_packages(suite)
            engine.import_base()
            images.build(suite, engine)
            base = engine.inspect(BASE)["Size"]
            for name, image in images.IMAGES.items():
                size = engine.inspect(image)["Size"]
                metrics[f"{name.replace('-', '_')}_image_mb"] = size / 1e6
                metrics[f"{name.replace('-', '_')}_adds_mb"] = (size - base) / 1e6
            with images.running_fleet(engine, programs, suite.folder) as (it, _):
                for service, words in images.SERVES.items():
                    metrics[f"{service.replace('-', '_')}_ready_s"] = statistics.median(images.start_to_ready_s(it, service, words)
                                                                                        for _ in range(STARTS))
    return metrics
