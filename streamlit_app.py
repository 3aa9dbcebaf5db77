"""The dashboard: `streamlit run streamlit_app.py`."""

from src.dashboard import frame

frame.run()
