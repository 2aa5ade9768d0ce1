"""The pages by name, for links from one to another; main.py gives each its address."""

from __future__ import annotations

from pathlib import Path

# Whole paths: Streamlit would look for shorter ones beside the script behind every page.
PAGES = Path(__file__).resolve().parents[2] / "pages"
CONTACTS = str(PAGES / "02_Contacts.py")
DISCOVERY = str(PAGES / "03_Discovery.py")
PROJECTS = str(PAGES / "04_Projects.py")
NETWORKING = str(PAGES / "05_Networking.py")
CAMPAIGN_MANAGER = str(PAGES / "13_Campaign_Manager.py")
SETTINGS = str(PAGES / "20_Settings.py")
USERS = str(PAGES / "21_Users.py")
