"""All tables in one place: importing this registers every one of them."""

from sqlmodel import SQLModel

from payments_app.db import (
    access_models,
    approval_models,
    mail_models,
    models,
    operations_models,
    staff_models,
    work_models,
)

METADATA = SQLModel.metadata
TABLE_MODULES = (
    access_models,
    models,
    staff_models,
    mail_models,
    work_models,
    approval_models,
    operations_models,
)
