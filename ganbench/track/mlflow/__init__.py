"""MLflow as the tracker. The only room that imports it."""
