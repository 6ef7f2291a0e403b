"""From a model file to a network: the importer, calibration, quantisation."""
