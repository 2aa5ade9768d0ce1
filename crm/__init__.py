"""MPT-CRM: contacts, campaigns and a drip engine that never sends twice."""
