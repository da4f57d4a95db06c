"""What QGIS makes of a GeoPackage: run by the Python that QGIS is built for, not by the tests' own.

``python3 qgis_reader.py FILE PICTURES``: the pictures are a list, in JSON, of ``{"png", "layers"
(the uppermost first), "extent", "size"}``. What was seen is printed as JSON.
"""

# ruff: noqa: T201
# mypy: ignore-errors

import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeatureRequest,
    QgsLayerTreeLayer,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsProviderRegistry,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor


def layer_facts(layer):
    label = layer.labeling().settings().fieldName if layer.labelsEnabled() else None
    is_ruled = layer.isSpatial() and layer.renderer().type() == "RuleRenderer"
    rules = rules_of(layer, layer.renderer().rootRule(), "") if is_ruled else []
    return {
        "crs": layer.crs().authid(),
        "renderer": layer.renderer().type() if layer.isSpatial() else None,
        "rules": rules,
        "label": label,
        "aliases": {one.name(): one.alias() for one in layer.fields()},
        "rows": [shown_row(layer, feature) for feature in layer.getFeatures()][:3],
        "has_index": layer.hasSpatialIndex() == 2,
        "errors": expression_errors(layer, [one["filter"] for one in rules] + [label]),
    }


def rules_of(layer, rule, above):
    """List the legend from above: label, whole filter, colour, how many rows it lets through."""
    told = []
    for one in rule.children():
        whole = " AND ".join(f"({part})" for part in (above, one.filterExpression()) if part)
        request = QgsFeatureRequest().setFilterExpression(whole) if whole else QgsFeatureRequest()
        told.append(
            {
                "label": one.label(),
                "filter": whole,
                "colour": one.symbol().color().name() if one.symbol() else None,
                "rows": sum(1 for _ in layer.getFeatures(request)),
            }
        )
        told += rules_of(layer, one, whole)
    return told


def expression_errors(layer, texts):
    """Tell what QGIS cannot make of the expressions of a layer, on each of its rows."""
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    found = set()
    for text in filter(None, texts):
        expression = QgsExpression(text)
        expression.prepare(context)
        for feature in layer.getFeatures():
            context.setFeature(feature)
            expression.evaluate(context)
            found |= {expression.parserErrorString(), expression.evalErrorString()}
    return sorted(found - {""})


def shown_row(layer, feature):
    """Tell a row as the attribute table shows it."""
    registry, shown = QgsApplication.fieldFormatterRegistry(), {}
    for at, one in enumerate(layer.fields()):
        setup = one.editorWidgetSetup()
        formatter = registry.fieldFormatter(setup.type())
        value = formatter.representValue(layer, at, setup.config(), None, feature[at])
        shown[one.name()] = value
    return shown


def draw(picture, layers):
    settings = QgsMapSettings()
    settings.setLayers([layers[name] for name in picture["layers"]])
    settings.setBackgroundColor(QColor("#ffffff"))
    settings.setOutputSize(QSize(*picture["size"]))
    settings.setDestinationCrs(layers[picture["layers"][0]].crs())
    settings.setExtent(QgsRectangle(*picture["extent"]))
    context = QgsExpressionContext()
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(picture["png"])
    return len(job.errors())


def project_facts(path):
    storage = QgsApplication.projectStorageRegistry().projectStorageFromType("geopackage")
    names = storage.listProjects(f"geopackage:{path}")
    if not names:
        return None
    project = QgsProject.instance()
    read = project.read(f"geopackage:{path}?projectName={names[0]}")
    nodes = [
        one for one in project.layerTreeRoot().children() if isinstance(one, QgsLayerTreeLayer)
    ]
    return {
        "read": read,
        "title": project.title(),
        "crs": project.crs().authid(),
        "layers": [
            {
                "name": node.name(),
                "seen": node.isVisible(),
                "valid": node.layer() is not None and node.layer().isValid(),
                "styles": node.layer().styleManager().styles() if node.layer() else [],
                "aliases": [one.alias() for one in node.layer().fields()] if node.layer() else [],
            }
            for node in nodes
        ],
    }


def main():
    path, pictures = sys.argv[1], json.loads(sys.argv[2])
    application = QgsApplication([], GUIenabled=False)
    application.initQgis()
    found = QgsProviderRegistry.instance().querySublayers(path)
    layers = {
        one.name(): QgsVectorLayer(f"{path}|layername={one.name()}", one.name(), "ogr")
        for one in found
    }
    seen = {
        "order": [one.name() for one in found if one.wkbType() != QgsWkbTypes.NoGeometry],
        "layers": {name: layer_facts(layer) for name, layer in layers.items()},
        "errors": [draw(picture, layers) for picture in pictures],
        "project": project_facts(path),
    }
    print(json.dumps(seen))
    sys.stdout.flush()
    os._exit(0)  # QGIS may fall while Python takes down its layers


if __name__ == "__main__":
    main()
