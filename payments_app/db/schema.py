"""All tables in one place: importing this registers every one of them."""

from sqlmodel import SQLModel

from payments_app.db import mail_models, models, staff_models

METADATA = SQLModel.metadata
TABLE_MODULES = (models, staff_models, mail_models)
