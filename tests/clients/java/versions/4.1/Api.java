// Calls that have other names in kafka-clients 4.1.

import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;

class Api {
    static TopicDescription topic(Admin admin, String name) throws Exception {
        return admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
    }

    static Set<String> groups(Admin admin) throws Exception {
        return admin.listGroups().all().get().stream().map(GroupListing::groupId)
            .collect(Collectors.toSet());
    }

    static String state(ConsumerGroupDescription group) {
        return group.groupState().name();
    }

    // Null where the client cannot ask for it.
    static OffsetSpec maxTimestamp() {
        return OffsetSpec.maxTimestamp();
    }
}
