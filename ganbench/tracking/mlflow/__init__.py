"""MLflow as the tracker. No other package imports mlflow."""

import os

# These are read when mlflow is imported, and any module of this package may be the first to import it.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# A request that MLflow retries by itself can start a run twice; the spool retries failures, and checks first.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
