"""MLflow as the tracker. The only room that imports it."""

import os

# They are read when mlflow is imported, which any of these files may be the first to do.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# A request that is repeated behind our back can begin a run twice; the spool repeats what failed, and looks first.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
