from tests.conftest import AContact, PublishedSteps, Raw
from db_service import DbService
import pytest

@pytest.mark.parametrize("n", range(10))
def test_it_works(service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps, n):
    published_steps("lead", 6)
    a_contact()
    print(raw.execute("select * from campaign_enrollments").fetchall())
    print(service.contacts.page())
    print(service.enrollments.upcoming(limit=10))
